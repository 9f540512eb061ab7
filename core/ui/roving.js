// One stop of the Tab key for many buttons, between which the arrows lead; put in front of the scripts that need it.

class Roving {
  constructor(box) {
    this.buttons = [];
    box.addEventListener("focusin", (event) => this.buttons.includes(event.target) && this.stop(event.target));
    box.addEventListener("keydown", (event) => this.press(event));
  }

  // These are the buttons from now on, in the order in which they are seen.
  choose(buttons) {
    this.buttons = buttons;
    this.stop(buttons[0]);
  }

  stop(button) {
    for (const one of this.buttons) one.tabIndex = one === button ? 0 : -1;
  }

  press(event) {
    const isOurs = this.buttons.includes(event.target) && !event.altKey && !event.ctrlKey && !event.metaKey;
    const next = isOurs && this.next(event.target, event.key);
    if (!next) return;
    event.preventDefault(); // the page would scroll
    next.focus();
  }

  next(button, key) {
    const place = this.buttons.indexOf(button);
    const at = { ArrowLeft: place - 1, ArrowRight: place + 1, Home: 0, End: this.buttons.length - 1 }[key];
    const way = { ArrowUp: -1, ArrowDown: 1 }[key];
    return way ? this.beyond(button, way) : this.buttons[at];
  }

  // The nearest button in the row above or below.
  beyond(button, way) {
    const { top, left } = button.getBoundingClientRect();
    const places = this.buttons.map((one) => [one, one.getBoundingClientRect()]);
    const distances = places.map(([one, { top: y, left: x }]) => [one, (y - top) * way, Math.abs(x - left)]);
    const further = distances.filter(([, down]) => down > 1); // a row is not always on a whole pixel
    further.sort(([, down, across], [, otherDown, otherAcross]) => down - otherDown || across - otherAcross);
    return further[0]?.[0];
  }
}

