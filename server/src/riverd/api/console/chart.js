// A live curve of the last minutes: one number large, its past small beneath it.

import { h, svg } from "./dom.js";

const POINTS = 90;
const WIDTH = 300;
const HEIGHT = 64;

export function curve(title, format) {
  const values = [];
  const line = svg("path", { class: "line" });
  const area = svg("path", { class: "area" });
  const now = h("strong", null, "–");
  const most = h("small", null, "");
  const element = h("section", { class: "card curve" }, h("h2", null, title), now,
    svg("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, preserveAspectRatio: "none", role: "img", "aria-label": `${title} over the last minutes` }, area, line), most);
  return {
    element,
    add(value) {
      values.push(value);
      if (values.length > POINTS) values.shift();
      const top = Math.max(1, ...values);
      const points = values.map((one, at) => `${(at * WIDTH / Math.max(1, values.length - 1)).toFixed(1)} ${(HEIGHT - 4 - one * (HEIGHT - 10) / top).toFixed(1)}`);
      line.setAttribute("d", `M${points.join("L")}`);
      area.setAttribute("d", `M0 ${HEIGHT}L${points.join("L")}L${WIDTH} ${HEIGHT}Z`);
      now.textContent = format(value);
      most.textContent = `at most ${format(Math.max(...values))} in ${values.length * 2} s`;
    },
  };
}
