"""The address of a page: it always names the run, and can be copied."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st
from parts.choices import address

if TYPE_CHECKING:
    from context import Context

_CSS = """
button {
  border: 1px solid var(--st-border-color);
  border-radius: 8px;
  padding: 7px 12px;
  background: var(--st-background-color);
  color: var(--st-text-color);
  font: 14px var(--st-font);
  cursor: pointer;
  white-space: nowrap;
}
button:focus-visible { outline: 2px solid var(--st-primary-color); }
"""
# The address is replaced, never pushed: the browser's Back leads to the page before in one press.
_JS = """
const addressOf = (parameters) => {
  const url = new URL(window.location.href)
  url.search = new URLSearchParams(parameters).toString()
  return url
}
export default function ({ data, parentElement }) {
  const { parameters } = data
  const follows = new URL(window.location.href).searchParams.get("run") === "latest"
  const shown = addressOf(follows ? { ...parameters, run: "latest" } : parameters)
  if (shown.href !== window.location.href) window.history.replaceState(window.history.state, "", shown)
  let button = parentElement.querySelector("button")
  if (!button) {
    button = document.createElement("button")
    button.type = "button"
    parentElement.appendChild(button)
  }
  button.textContent = "Copy link"
  button.onclick = async () => {
    await navigator.clipboard.writeText(addressOf(parameters).href)
    button.textContent = "Copied"
    setTimeout(() => { button.textContent = "Copy link" }, 1500)
  }
}
"""
_address = st.components.v2.component("evalhub.address", css=_CSS, js=_JS, isolate_styles=True)


def show_address(context: Context) -> None:
    """Put the run and what no widget holds into the browser's address, and offer a link to the page."""
    _address(data={"parameters": {**address(), **context.link()}}, key="address", width="content")
