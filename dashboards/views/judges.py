"""Can the judge be trusted: judges, metrics and labels of the same responses side by side."""

import hashlib

import pandas as pd
import streamlit as st
from drawing import forest, scatter
from loading import Chosen, plain

from evalhub.analysis import rows_of
from evalhub.analysis.attacks import EVERY
from evalhub.analysis.bias import ALL_JUDGES
from evalhub.report.attacks import ATTACK_NOTES, attack_lines
from evalhub.report.cascades import HALVES
from evalhub.report.forest import column_kind
from evalhub.report.grids import RATERS, judged_twice, named, rater_name
from evalhub.report.shape import Footnotes, interval

chosen: Chosen = st.session_state["chosen"]

PAIR = ["dataset", "item_id", "system_a", "system_b", "sample"]
LEVELS = {
    "pooled": "pooled: all responses",
    "item": "within items, then averaged",
    "system": "systems' means",
}
MARKS = 5000
JITTER = 0.12
LEVELS_AT_MOST = 12
EFFECTS = {
    "position": "first, not second",
    "length": "per doubling of length",
    "lists": "all of the list items",
    "markdown": "all of the Markdown",
}
COSTS = ["judgments", "tokens_in", "tokens_out", "seconds"]
NOTHING_READ = (
    " Judges in teal, metrics in blue, judges that read nothing in grey: always-first, a coin, and "
    "whichever response is longer. A judge worth its cost stands right of them."
)


def held_against() -> tuple[str, str] | None:
    """Let a labelled criterion be chosen; None where the dataset has no labels."""
    found = [
        chosen.rows(name)[["label_criterion", "annotator_kind"]] for name in ("agreement", "correlations")
    ]
    pairs = list(dict.fromkeys(pd.concat(found).itertuples(index=False, name=None)))
    if not pairs:
        return None
    names = {f"{criterion} · {kind} labels": (criterion, kind) for criterion, kind in pairs}
    named = st.selectbox("Held against", list(names), key="labels", bind="query-params")
    return names.get(named, pairs[0])


def only(rows: pd.DataFrame, against: tuple[str, str]) -> pd.DataFrame:
    mine = (rows["label_criterion"] == against[0]) & (rows["annotator_kind"] == against[1])
    return rows[mine].copy()


def agreement(against: tuple[str, str]) -> None:
    rows = only(chosen.rows("agreement"), against)
    if rows.empty:
        return
    each_other, rows = rows[rows["against"] != "labels"], rows[rows["against"] == "labels"]
    levels = bool((rows["reading"] == "level").all())
    title = "Judge and labels give" if levels else "Judge, ROUGE and labels decide"
    st.subheader(f"{title} the same {'levels' if levels else 'pairs'}", anchor=False)
    if levels and rows["estimate"].isna().all():
        reasons(rows)
        return
    if not levels:
        orders = st.toggle("Show each order alone", key="orders", bind="query-params")
        rows = rows[orders | ~rows["reading"].isin(["ab", "ba"])]
    told = rows_of(rows)
    several = judged_twice(told)
    rows["who"] = [named(row, several) for row in told]
    rows = rows.sort_values("kind", key=lambda kinds: kinds.map(RATERS).fillna(9), kind="stable")
    accuracy, kappa = (rows[rows["statistic"] == name] for name in ("accuracy", "kappa"))
    middle = None if levels else 0.5
    left, right = st.columns([1.35, 1])
    left.altair_chart(
        forest(accuracy, name="who", title="accuracy", bounds=(0, 1), middle=middle, kind="kind"),
        alt="Accuracy of each rater against the labels",
    )
    right.altair_chart(
        forest(kappa, name="who", title="Cohen's kappa", bounds=(-1, 1), middle=0, kind="kind", names=False),
        alt="Cohen's kappa of each rater against the labels",
    )
    st.caption(
        f"The same labelled {'responses' if levels else 'pairs'} for everyone: n {between(accuracy['n'])}, "
        f"left out {between(accuracy['left_out'])}, {between(accuracy['clusters'])} clusters of items."
        + ("" if levels else NOTHING_READ)
    )
    reasons(accuracy, kappa)
    if len(each_other):
        with st.expander("Judges and metrics with each other"):
            st.dataframe(
                each_other.drop(columns=["dataset", "label_criterion", "annotator_kind", "reading"]),
                hide_index=True,
                alt="Agreement of judges and metrics with each other on the same pairs",
            )


def between(counts: pd.Series) -> str:
    """Return the smallest and the largest of some counts in words."""
    ends = sorted({int(count) for count in counts})
    return " to ".join(f"{count:,}" for count in dict.fromkeys((ends[0], ends[-1]))) if ends else "0"


def reasons(*tables: pd.DataFrame) -> None:
    for reason in pd.concat(tables)["reason"].dropna().unique():
        st.caption(f"– or a hollow point: {plain(reason)}")


def cascades(against: tuple[str, str]) -> None:
    rows = only(chosen.rows("cascades"), against)
    if rows.empty:
        return
    st.subheader("Cascades: who decides what", anchor=False)
    for name, found in rows.groupby("cascade"):
        first = found.iloc[0]
        st.markdown(
            f"{plain(name)}: judges shall agree with the labels on at least "
            f"{first['promised_agreement']:.0%} of what they decide, with "
            f"{first['promised_confidence']:.0%} confidence"
        )
        agreed = found[found["statistic"] == "agreement"].assign(kind="judge")
        shares = found[found["statistic"] == "share"].assign(kind="judge")
        left, right = st.columns([1.35, 1])
        left.altair_chart(
            forest(shares, name="stage", title="share decided", bounds=(0, 1), kind="kind"),
            alt="Share of the pairs that each stage decides",
        )
        right.altair_chart(
            forest(
                agreed,
                name="stage",
                title="agreement",
                bounds=(0, 1),
                middle=first["promised_agreement"],
                kind="kind",
                order=list(shares["stage"]),
                names=False,
            ),
            alt="Agreement of each stage with the labels on what it decides",
        )
        st.dataframe(
            shares[["stage", "threshold", "calibrated_on", "asked", "decided", *COSTS]],
            hide_index=True,
            alt="Threshold and cost of each stage",
        )
        for reason in pd.unique(shares[["threshold_reason", "seconds_reason", "not_used"]].stack().dropna()):
            st.caption(f"– {plain(reason)}")
        reasons(found)
    st.caption(f"Here {plain(HALVES)}.")


def correlation(against: tuple[str, str]) -> None:
    rows = only(chosen.rows("correlations"), against)
    if rows.empty:
        return
    st.subheader("Correlation with the labels", anchor=False)
    coefficient = st.segmented_control(
        "Coefficient",
        ["spearman", "kendall", "pearson"],
        default="spearman",
        required=True,
        key="coefficient",
        bind="query-params",
    )
    mine = rows[(rows["x"] == "labels") & (rows["coefficient"] == coefficient)]
    metrics = set(chosen.results.scores()["metric"])
    mine = mine.assign(kind=[column_kind(name, metrics) for name in mine["y"]])
    columns = st.columns([1.35, 1, 1])
    for place, (level, column) in enumerate(zip(LEVELS, columns, strict=True)):
        found = mine[mine["at"] == level]
        column.altair_chart(
            forest(
                found, name="y", title=LEVELS[level], bounds=(-1, 1), middle=0, kind="kind", names=place == 0
            ),
            alt=f"Correlation of each rating and metric with the labels, {level} level",
        )
        column.caption(f"n {between(found['n'])}")
    reasons(mine)
    with st.expander("Everything with everything"):
        st.dataframe(
            rows.drop(columns=["dataset", "label_criterion", "annotator_kind"]),
            hide_index=True,
            alt="Correlations of labels, ratings, metrics and length with each other",
        )


def responses(against: tuple[str, str]) -> None:
    frame = chosen.table("side_by_side").get((chosen.dataset, *against))
    if frame is None or frame.empty:
        return
    st.subheader("Response by response", anchor=False)
    names = [name for name in frame if name not in ("item_id", "system", "sample", "cluster", "labels")]
    x = st.selectbox("Against the labels", names, key="across", bind="query-params")
    rows = frame[["item_id", "system", "sample", x, "labels"]].dropna()
    left_out, rows = len(frame) - len(rows), rows.head(MARKS)
    rows["x at"], rows["y at"] = apart(rows, x), apart(rows, "labels")
    rows = rows.astype({"sample": int})
    event = st.altair_chart(
        scatter(rows, x=x, y="labels"), on_select="rerun", key="points", alt=f"{x} against the labels"
    )
    st.caption(
        f"{len(rows):,} responses, {left_out:,} without both numbers. Where values are levels, points are "
        f"moved by up to {JITTER} so that equal ones can be told apart; the numbers above are unmoved. "
        "Click a point to open its sample."
    )
    points = event.selection.get("point", [])
    if points:
        judge = x.removesuffix(" (soft)")
        own = {"judge": judge} if judge in chosen.run.manifest["judges"] else {}
        open_sample(points[0]["item_id"], **own)


def apart(rows: pd.DataFrame, name: str) -> pd.Series:
    """Return a column in which levels that would hide each other are moved a little, always alike."""
    if rows[name].nunique() > LEVELS_AT_MOST:
        return rows[name]
    keys = (f"{name}|{row.item_id}|{row.system}|{row.sample}" for row in rows.itertuples())
    shifts = [JITTER * (hashlib.sha256(key.encode()).digest()[0] / 127.5 - 1) for key in keys]
    return rows[name] + shifts


def open_sample(item: str, **about: str) -> None:
    st.switch_page("views/samples.py", query_params={"item": item, **about})


def pairs(against: tuple[str, str]) -> None:
    verdicts, labels = chosen.rows("pair_verdicts"), only(chosen.rows("truth"), against)
    labels = labels[labels["label_winner"].notna()]
    if verdicts.empty or labels.empty:
        return
    held = chosen.run.manifest["against"]
    names = [
        held.get(judge, {}).get(chosen.dataset, {}).get(criterion, criterion)
        for judge, criterion in zip(verdicts["judge"], verdicts["criterion"], strict=True)
    ]
    verdicts = verdicts[[name == against[0] for name in names]]
    joined = verdicts.merge(labels[[*PAIR, "label_winner"]], on=PAIR)
    st.subheader("Pair by pair", anchor=False)
    if st.toggle("Only where judge and labels differ", value=True, key="differ", bind="query-params"):
        joined = joined[joined["winner"] != joined["label_winner"]]
    shown = joined.rename(columns={"label_winner": "labels say", "winner": "judge says", "p_a": "p(a wins)"})
    shown = shown[
        ["item_id", "judge", "criterion", "system_a", "system_b", "labels say", "judge says", "p(a wins)",
         "winner_ab", "winner_ba"]
    ].head(1000).reset_index(drop=True)  # fmt: skip
    event = st.dataframe(
        shown,
        hide_index=True,
        on_select="rerun",
        selection_mode="single-row",
        key="pairs",
        height=300,
        column_config={"p(a wins)": st.column_config.ProgressColumn(min_value=0, max_value=1, format="%.2f")},
        alt="Judged pairs with the labels' verdict; a selected row opens its sample",
    )
    st.caption(
        f"{len(shown):,} pairs. winner_ab and winner_ba are the verdicts of one order alone. "
        "Select a row to open its sample."
    )
    if event.selection.rows:
        row = shown.iloc[event.selection.rows[0]]
        pair = f"{row['system_a']} / {row['system_b']}"
        open_sample(row["item_id"], judge=row["judge"], criterion=row["criterion"], responses=pair)


def attacks() -> None:
    rows = chosen.rows("attacks")
    if rows.empty:
        return
    st.subheader("How easily the judge is fooled", anchor=False)
    rows, each = rows.assign(kind="judge"), rows[rows["statistic"] == "net"]
    order = [*each[each["attack"] != EVERY].sort_values("estimate", ascending=False)["attack"], EVERY]
    titles = {"net": ("success, net of harmless text", (-1, 1)), "success": ("success", (0, 1))}
    for (name, (title, bounds)), column in zip(titles.items(), st.columns([1.35, 1]), strict=True):
        found = rows[rows["statistic"] == name]
        column.altair_chart(
            forest(
                found,
                name="attack",
                title=title,
                bounds=bounds,
                middle=0,
                kind="kind",
                order=order,
                names=name == "net",
            ),
            alt=f"{title} of each attack",
        )
        column.caption(f"n {between(found['n'])}")
    told = {name: rows_of(chosen.rows(name)) for name in ("attacks", "controls", "not_attacked")}
    for line in (*attack_lines(told), *ATTACK_NOTES):
        st.caption(plain(line))
    with st.expander("Controls: responses that answer nothing"):
        st.dataframe(
            chosen.rows("controls").drop(columns=["dataset"]),
            hide_index=True,
            alt="How often each control response beats a recorded one",
        )
    reasons(rows)


def biases() -> None:
    rows = chosen.rows("biases")
    if rows.empty:
        return
    st.subheader("What else a judge's verdicts hang on", anchor=False)
    rows["who"] = [rater_name(row["judge"], row["criterion"]) for row in rows.to_dict("records")]
    rows["kind"] = "judge"
    shown = rows[rows["judge"] != ALL_JUDGES]
    hard = shown[shown["reading"] == "hard"]
    across(
        hard[hard["statistic"] == "rate"],
        {"flips": ("flip rate", 0.0), "position": ("first position", 0.5), "length": ("longer wins", 0.5)},
        bounds=(0, 1),
    )
    st.caption(
        "The flip rate is the share of pairs whose verdict turns when the order does (0 is best); the "
        "first-position rate is how often the response shown first wins, and the last one how often the "
        "longer one does (.5 is no pull; people may prefer the longer one too)."
    )
    readings = list(rows["reading"].unique())
    reading = st.segmented_control(
        "Verdicts", readings, default=readings[-1], required=True, key="reading", bind="query-params"
    )
    effects = rows[(rows["reading"] == reading) & (rows["statistic"] == "effect")]
    st.markdown("Effects in percentage points of the win rate, each with the others held fixed")
    across(
        effects[effects["judge"] != ALL_JUDGES],
        {bias: (title, 0.0) for bias, title in EFFECTS.items()},
        bounds=None,
    )
    for row in rows_of(effects[effects["judge"] == ALL_JUDGES]):
        said = row["reason"] if row["estimate"] is None else interval(row, Footnotes())
        st.caption(plain(f"Own rather than the opponent's own family, {row['who']}: {said}, n {row['n']:,}"))
    reasons(hard[hard["statistic"] == "rate"], effects[effects["judge"] != ALL_JUDGES])
    with st.expander("Beside people, and every coefficient"):
        st.dataframe(
            rows.drop(columns=["dataset", "who", "kind"]),
            hide_index=True,
            alt="Every bias of every judge: rates, the same of people, and effects",
        )


def across(
    rows: pd.DataFrame, titles: dict[str, tuple[str, float]], *, bounds: tuple[float, float] | None
) -> None:
    """Draw one forest for each bias, side by side; the first one names the judges."""
    columns = st.columns([1.35, *[1] * (len(titles) - 1)])
    for place, ((bias, (title, middle)), column) in enumerate(zip(titles.items(), columns, strict=True)):
        found = rows[rows["bias"] == bias]
        if found.empty:
            continue
        column.altair_chart(
            forest(
                found, name="who", title=title, bounds=bounds, middle=middle, kind="kind", names=place == 0
            ),
            alt=f"{title} of each pairwise judge",
        )
        column.caption(f"n {between(found['n'])}")


st.title("Judges and people", anchor=False)
against = held_against()
if against is None:
    st.info("This dataset has no labels in the run, so nothing can be held against people.")
else:
    if against[1] == "constructed":
        st.caption("These labels are constructed: true by construction, not people's opinions.")
    agreement(against)
    cascades(against)
    correlation(against)
    responses(against)
    pairs(against)
if "attack" in chosen.run.manifest:
    attacks()
else:
    biases()
