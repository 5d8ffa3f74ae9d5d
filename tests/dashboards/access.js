// What a page offers to a reader who sees little or uses no mouse. Each function returns plain values.
(() => {
  const everything = function* (root = document) {
    for (const node of root.querySelectorAll("*")) {
      yield node
      if (node.shadowRoot) yield* everything(node.shadowRoot)
    }
  }
  const parent = (node) => node.parentElement || node.getRootNode().host
  const isSeen = (node) => {
    const box = node.getBoundingClientRect()
    const style = getComputedStyle(node)
    return box.width > 0 && box.height > 0 && style.visibility !== "hidden"
  }
  const colour = (text) => {
    const numbers = (text.match(/rgba?\(([^)]+)\)/)?.[1] ?? "").split(/[ ,/]+/).map(Number)
    return numbers.length < 3 ? null : [...numbers.slice(0, 3), numbers[3] ?? 1]
  }
  const over = (front, back) => [0, 1, 2].map((i) => front[i] * front[3] + back[i] * (1 - front[3]))
  const ground = (node) => {
    const layers = []
    for (let at = node; at; at = parent(at)) {
      const layer = colour(getComputedStyle(at).backgroundColor)
      if (layer && layer[3] > 0) layers.push(layer)
      if (layer && layer[3] === 1) break
    }
    return layers.reduceRight((back, front) => over(front, back), [255, 255, 255])
  }
  // Relative luminance and contrast: Web Content Accessibility Guidelines 2.2.
  const luminance = (rgb) => {
    const [r, g, b] = rgb.map((v) => v / 255).map((v) => (v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4))
    return 0.2126 * r + 0.7152 * g + 0.0722 * b
  }
  const contrast = (front, back) => {
    const [low, high] = [luminance(front), luminance(back)].sort((a, b) => a - b)
    return (high + 0.05) / (low + 0.05)
  }
  const active = () => {
    let node = document.activeElement
    while (node?.shadowRoot?.activeElement) node = node.shadowRoot.activeElement
    return node
  }
  const look = (node) => {
    const styles = []
    for (let at = node, steps = 0; at && steps < 5; at = parent(at), steps++) {
      const style = getComputedStyle(at)
      styles.push(style.outline, style.boxShadow, style.backgroundColor, style.borderColor, style.clip)
    }
    return styles.join(";")
  }
  const name = (node) => (node.getAttribute("aria-label") || node.innerText || node.tagName).slice(0, 60)
  // The number of a slider stands over its thumb and not on it.
  const UNSEEN = "style, script, title, [disabled], [aria-disabled=true], [data-testid=stSlider]"
  const CONTROLS = "a[href], button, input, select, textarea, summary, [role=button], [role=combobox], [role=switch]"

  window.access = {
    isDrawn() {
      const charts = [...document.querySelectorAll("[data-testid=stVegaLiteChart]")]
      return charts.every((chart) => chart.querySelector("svg, canvas")) && !document.querySelector("[data-testid=stSkeleton]")
    },
    faint(least) {
      const faint = []
      for (const node of everything()) {
        const words = [...node.childNodes].filter((child) => child.nodeType === 3 && child.data.trim())
        if (!words.length || !isSeen(node) || node.closest(UNSEEN)) continue
        const style = getComputedStyle(node)
        const isDrawn = node instanceof SVGElement
        const front = colour(isDrawn ? style.fill : style.color)
        if (!front) continue
        for (let at = node; at; at = parent(at)) front[3] *= parseFloat(getComputedStyle(at).opacity)
        if (front[3] === 0) continue // a label of an axis that has no place
        const back = ground(isDrawn ? node.closest("div") : node)
        const ratio = contrast(over(front, back), back)
        if (ratio < least) faint.push(`${words[0].data.trim().slice(0, 40)}: ${ratio.toFixed(2)}`)
      }
      return [...new Set(faint)]
    },
    wordless() {
      const pictures = [...document.querySelectorAll("[data-testid=stVegaLiteChart]")]
      return pictures.filter((node) => !node.getAttribute("aria-label") && !node.querySelector("[aria-label], [alt]")).length
    },
    // Carets, steppers and tabs without a place of their own are reached by the arrows of their neighbour.
    controls() {
      this.all = [...everything()].filter(
        (node) => node.matches(CONTROLS) && !node.disabled && node.tabIndex >= 0 && isSeen(node)
      )
      this.looks = this.all.map(look)
      return this.all.length
    },
    unreachable() {
      const clicked = [...everything()].filter((node) => getComputedStyle(node).cursor === "pointer" && isSeen(node))
      const isControl = (node) => {
        for (let at = node; at; at = parent(at)) if (at.tabIndex >= 0 || at.matches("label")) return true
        return Boolean(node.querySelector("a, button, input"))
      }
      return clicked.filter((node) => !isControl(node)).map(name)
    },
    focus() {
      const node = active()
      if (!node || node === document.body) return null
      return { place: this.all.indexOf(node), name: name(node) }
    },
    isMarked(place) {
      return look(this.all[place]) !== this.looks[place]
    },
    names(places) {
      return this.all.filter((_, place) => !places.includes(place)).map(name)
    }
  }
})()
