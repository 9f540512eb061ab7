// The chart of live_chart.py: one plotly element for as long as the page shows it, redrawn with Plotly.react.
// Streamlit calls the default export at every change of `data` or theme; what lasts longer is kept in `charts`.

const charts = new WeakMap();
let loading = null;

const RESET = icon("M4 9V4h5M20 9V4h-5M4 15v5h5M20 15v5h-5");
const SAVE = icon("M12 4v11m-4.5-4.5L12 15l4.5-4.5M5 20h14");

export default function ({ data, parentElement }) {
  const box = parentElement.querySelector(".headstart-live-chart");
  let chart = charts.get(box);
  if (!chart) {
    chart = new LiveChart(box);
    charts.set(box, chart);
  }
  chart.show(data);
  // Streamlit also calls this for a run that a newer one has overtaken: only an element that has left the page is over.
  return () => setTimeout(() => box.isConnected || chart.leave());
}

class LiveChart {
  constructor(box) {
    this.box = box;
    this.plot = box.firstElementChild;
    this.updates = 0;
    this.revision = 1; // plotly takes 0 for none
    this.sizes = new ResizeObserver(() => this.fit());
    this.sizes.observe(box);
  }

  async show(data) {
    this.box.style.height = `${data.height}px`;
    this.box.style.overflow = "hidden";
    this.plot.style.height = "100%";
    this.box.setAttribute("aria-label", data.alt);
    this.wanted = data;
    // Plotly begins anew when its settings change, so they stay the same object.
    if (JSON.stringify(data.words) !== this.words) this.settings = this.settingsFor(data.words);
    this.words = JSON.stringify(data.words);
    if (this.busy) return;
    this.busy = true;
    try {
      await loadPlotly(data.script);
      while (this.wanted) await this.draw();
    } catch (error) {
      console.error(error);
      if (!this.updates) this.plot.textContent = data.words.failed;
    } finally {
      this.busy = false;
    }
  }

  async draw() {
    // A redraw would tear the rectangle that a hand is drawing.
    while (this.plot._dragging) await new Promise((resolve) => setTimeout(resolve, 50));
    const data = this.wanted;
    this.wanted = null;
    const figure = JSON.parse(data.figure);
    figure.layout = dressed(figure.layout ?? {}, this.box, this.revision);
    await window.Plotly.react(this.plot, figure.data, figure.layout, this.settings);
    this.shown = data;
    this.updates += 1;
    this.box.dataset.points = data.points;
    this.box.dataset.updates = this.updates;
  }

  settingsFor(words) {
    const reset = () => {
      this.revision += 1;
      this.show(this.shown);
    };
    const save = () => window.Plotly.downloadImage(this.plot, { format: "png", filename: "chart", scale: 2 });
    const button = (name, title, icon, click) => ({ name, title, click, icon: { svg: icon } });
    return {
      displaylogo: false,
      showTips: false,
      modeBarButtons: [[button("reset", words.reset, RESET, reset), button("save", words.save, SAVE, save)]],
    };
  }

  fit() {
    // Plotly refuses an element that is hidden, as in a tab that is not open.
    if (this.updates && this.box.clientWidth) window.Plotly.Plots.resize(this.plot).catch(() => {});
  }

  leave() {
    this.sizes.disconnect();
    this.wanted = null;
    if (this.updates) window.Plotly.purge(this.plot);
  }
}

function icon(path) {
  const lines = `<path d="${path}" fill="none" stroke="currentColor" stroke-width="2" stroke-linecap="round"/>`;
  return `<svg viewBox="0 0 24 24" xmlns="http://www.w3.org/2000/svg">${lines}</svg>`;
}

function loadPlotly(address) {
  if (window.Plotly) return Promise.resolve();
  loading ??= new Promise((resolve, reject) => {
    const script = document.createElement("script");
    script.src = address;
    script.onload = resolve;
    script.onerror = () => {
      loading = null;
      script.remove();
      reject(new Error(`${address} did not load`));
    };
    document.head.append(script);
  });
  return loading;
}

function dressed(layout, box, revision) {
  const { width, height, ...kept } = layout;
  return {
    ...kept,
    template: template(getComputedStyle(box)),
    autosize: true,
    // The same revision keeps the reader's zoom; another one forgets it.
    uirevision: revision,
    // On a touch screen a finger moves the page, not the axes.
    dragmode: matchMedia("(pointer: coarse)").matches ? false : (kept.dragmode ?? "zoom"),
  };
}

function template(style) {
  const value = (name, otherwise) => {
    const found = style.getPropertyValue(`--st-${name}`).trim();
    return found && found !== "unset" ? found : otherwise;
  };
  const text = value("text-color", style.color);
  const line = value("border-color", "rgba(128, 128, 128, 0.3)");
  const axis = { gridcolor: line, linecolor: line, zerolinecolor: line, tickcolor: line, automargin: true };
  const font = { color: text, family: value("font", style.fontFamily), size: 13 };
  const colours = value("chart-categorical-colors");
  return {
    layout: {
      font,
      xaxis: axis,
      yaxis: axis,
      colorway: colours?.split(/,(?![^(]*\))/),
      paper_bgcolor: "rgba(0,0,0,0)",
      plot_bgcolor: "rgba(0,0,0,0)",
      modebar: { bgcolor: "rgba(0,0,0,0)", color: line, activecolor: text },
      hoverlabel: { bgcolor: value("secondary-background-color"), bordercolor: line, font },
      margin: { l: 48, r: 12, t: 32, b: 40 },
    },
  };
}
