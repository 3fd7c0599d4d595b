// What close codes mean.

import { h, table } from "./dom.js";
import { CLOSE_CODES } from "./words.js";

export function codes(view) {
  view.append(
    h("p", { class: "hint" }, "How often each comes is in the metrics: river_closed_total (by River) and river_closed_by_client_total."),
    table(["Code", "Is called", "What it says", "What to do"], CLOSE_CODES.map(([code, ...rest]) => [h("code", null, code), ...rest]), ""));
}
