"""One unit at a time: the prompt, the responses, and the keys."""

import streamlit as st
from parts.label_answers import show_answers, show_details
from parts.label_end import show_end
from parts.label_unit import show_header, show_messages, show_unit
from parts.label_work import Work

work: Work = st.session_state["work"]
progress = work.session.progress()
showing = progress.current

show_header(work, progress)
show_messages(work)
if showing is None:
    show_end(work, progress)
else:
    show_unit(work, showing)
    show_details(work, showing, progress.rows)
    show_answers(work, showing, progress.rows)
