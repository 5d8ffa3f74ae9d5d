// A text of a model, dataset or person. It only ever becomes a text node, so nothing in it acts.
const HIDDEN = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}\p{Default_Ignorable_Code_Point}]/u
const PICTURE = /\p{Extended_Pictographic}/u

const element = (name, className, text) => {
  const node = document.createElement(name)
  if (className) node.className = className
  if (text) node.textContent = text
  return node
}

// A joiner or a selector between the parts of an emoji is what makes the emoji, and hides nothing.
const isHidden = (signs, place) => {
  const sign = signs[place]
  if (sign === "\n" || sign === "\t" || !HIDDEN.test(sign)) return false
  if (sign === "\ufe0f") return !PICTURE.test(signs[place - 1] ?? "")
  if (sign !== "\u200d") return true
  const before = signs[place - 1] === "\ufe0f" ? signs[place - 2] : signs[place - 1]
  return !(PICTURE.test(before ?? "") && PICTURE.test(signs[place + 1] ?? ""))
}

const codeOf = (sign) => "U+" + sign.codePointAt(0).toString(16).toUpperCase().padStart(4, "0")

const appendText = (parent, signs, start, end) => {
  let from = start
  for (let place = start; place < end; place++) {
    if (!isHidden(signs, place)) continue
    if (place > from) parent.append(signs.slice(from, place).join(""))
    const box = element("span", "hidden", codeOf(signs[place]))
    box.title = "a character that is not visible"
    parent.append(box)
    from = place + 1
  }
  if (end > from) parent.append(signs.slice(from, end).join(""))
}

const fill = (body, signs, spans, end) => {
  body.replaceChildren()
  let from = 0
  for (const [first, last, kind] of spans) {
    if (first < from || last > end) continue
    appendText(body, signs, from, first)
    const mark = element("mark", kind)
    appendText(mark, signs, first, last)
    body.append(mark)
    from = last
  }
  appendText(body, signs, from, end)
}

const button = (text, action) => {
  const node = element("button", "", text)
  node.type = "button"
  node.onclick = action
  return node
}

export default function ({ data, parentElement }) {
  const { text, label, note, lines, exact, first, spans } = data
  const root = element("section", "passage")
  const header = element("header")
  const body = element("div", "body" + (exact ? " exact" : ""))
  root.append(header, body)
  header.append(element("strong", "", label))
  body.style.maxHeight = `min(${lines * 1.5}em, 80vh)`
  body.dir = "auto"
  body.tabIndex = 0
  body.setAttribute("role", "region")
  body.setAttribute("aria-label", label)
  if (!text) {
    header.append(element("span", "note", note))
    body.classList.add("absent")
    body.textContent = text === "" ? "empty" : "none"
  } else {
    const signs = Array.from(text)
    const end = Math.min(signs.length, first)
    const hidden = signs.slice(0, end).filter((_, place) => isHidden(signs, place)).length
    const facts = [note, hidden ? `${hidden} hidden character${hidden > 1 ? "s" : ""}` : ""]
    header.append(element("span", "note", facts.filter(Boolean).join(" · ")))
    fill(body, signs, spans, end)
    if (signs.length > end) {
      const more = button(`Show all ${signs.length.toLocaleString("en")} characters`, () => {
        fill(body, signs, spans, signs.length)
        more.remove()
      })
      header.append(more)
    }
    header.append(button("Copy", () => navigator.clipboard.writeText(text)))
  }
  const host = parentElement
  host.querySelector(".passage")?.remove()
  host.appendChild(root)
}
