/** A bar chart of hectares by period. */
const SiteChart = (() => {
"use strict";

const {drawn, hectares} = MapBase;
const WIDTH = 312, HEIGHT = 132, BOTTOM = 18, TOP = 16;
/** Width in pixels that the name of a period needs. */
const LETTER = 6.4;

/**
 * Draw a chart.
 *
 * `bars` has for each period its name, the hectares that were seen, those of sites that were not seen, as last known,
 * and whether there is anything at all. `choose(period)` is called when a bar is clicked.
 */
function draw(bars, current, choose) {
  const top = Math.max(...bars.map(({seen, unseen}) => seen + unseen), 0.01);
  const step = WIDTH / bars.length, wide = Math.min(46, step * 0.72);
  const high = value => value / top * (HEIGHT - BOTTOM - TOP);
  const longest = Math.max(...bars.map(({name}) => name.length)) * LETTER + 6;
  const every = Math.max(1, Math.ceil(1.4 * longest / step));
  const chart = drawn("svg", {viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: "img", class: "bars"});
  const words = bars.map(({name, seen, unseen, known}) => {
    const hidden = unseen ? `, and ${hectares(unseen)} last known of sites not seen` : "";
    return known ? `${name}: ${hectares(seen)}${hidden}` : `${name}: none`;
  });
  chart.setAttribute("aria-label", `Hectares by period. ${words.join("; ")}.`);
  chart.append(drawn("line", {x1: 0, x2: WIDTH, y1: HEIGHT - BOTTOM, y2: HEIGHT - BOTTOM, class: "axis"}));
  bars.forEach(({name, seen, unseen, known}, number) => {
    const left = number * step + (step - wide) / 2, floor = HEIGHT - BOTTOM;
    const group = drawn("g", {class: number === current ? "bar current" : "bar"}, drawn("title", {}, words[number]));
    group.append(drawn("rect", {x: number * step, y: 0, width: step, height: HEIGHT, class: "touch"}));
    for (const [kind, low, area] of [["seen", 0, seen], ["not-seen", seen, unseen]]) {
      const bar = {x: left, y: floor - high(low + area), width: wide, height: high(area), class: kind};
      if (area) group.append(drawn("rect", bar));
    }
    const middle = number * step + step / 2;
    if (known && step > 34) {
      const value = hectares(seen + unseen).split("\u202f").slice(0, -1).join("\u202f");
      group.append(drawn("text", {x: middle, y: floor - high(seen + unseen) - 4}, value));
    }
    const named = number % every === (bars.length - 1) % every;
    const final = number === bars.length - 1 && longest > step;
    const end = final ? {x: WIDTH, class: "final"} : {x: middle};
    if (named) group.append(drawn("text", {...end, y: HEIGHT - 4}, name));
    group.addEventListener("click", () => choose(number));
    chart.append(group);
  });
  return chart;
}

return {draw};
})();
