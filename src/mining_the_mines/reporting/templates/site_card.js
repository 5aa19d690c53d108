/** The facts and the history of a site. */
const SiteCard = (() => {
"use strict";

const {NARROW_SPACE, DASH, hectares, place, title, element} = MapBase;
const {
  periods, regions, sites, rows, statuses, NOT_SEEN, siteOf, historyOf, rowOf, areaOf, barsOf, detail,
} = SiteSeries;

function addressOf(site) {
  return `#site=${encodeURIComponent(sites.id[site])}`;
}

function headline(row) {
  const area = hectares(areaOf(row)) + (rows.status[row] === NOT_SEEN ? " last known" : "");
  const sure = rows.confirmed[row] ? "confirmed" : "provisional";
  return `${sites.id[siteOf[row]]} · ${statuses[rows.status[row]].title.toLowerCase()} · ${area} · ${sure}`;
}

function swatch(row) {
  const {name} = statuses[rows.status[row]];
  return element("span", {class: `swatch status ${name}${rows.confirmed[row] ? "" : " provisional"}`});
}

function term(name, ...values) {
  if (values.every(value => value === null || value === "")) return [];
  return [element("dt", {}, name), element("dd", {}, ...values)];
}

function signed(change) {
  if (change === null) return DASH;
  const sign = Math.abs(change) < 0.005 ? "±" : change < 0 ? "\u2212" : "+";
  return sign + hectares(Math.abs(change));
}

const CONFIRMED_BY = {second_look: "a second look", probability: "its probability", neighbour: "a neighbour"};

function onset(row) {
  const after = detail("onset_after", row), by = detail("onset_by", row);
  if (!by) return null;
  return after ? `after ${after}, at the latest on ${by}` : `at the latest on ${by}; never seen without the mine`;
}

function days(row) {
  const first = detail("first_date", row), final = detail("last_date", row);
  return first && first !== final ? `${first} to ${final}` : first || "not known";
}

function share100(value) {
  return `${Math.round(100 * value)}${NARROW_SPACE}%`;
}

function facts(row) {
  const site = siteOf[row];
  const given = (name, text) => detail(name, row) === null ? null : text(detail(name, row));
  const by = detail("confirmed_by", row), seen = rows.status[row] !== NOT_SEEN;
  const sure = rows.confirmed[row] ? `confirmed${by ? ` by ${CONFIRMED_BY[by] ?? by}` : ""}` : "provisional";
  const probability = given("probability", mean =>
    `${mean.toFixed(2)} on average, ${(detail("peak_probability", row) ?? mean).toFixed(2)} at most`);
  return element("dl", {},
    ...term("Status", statuses[rows.status[row]].title),
    ...term("Area", hectares(areaOf(row)), seen ? "" : ", last known"),
    ...term("Change", seen ? given("change_hectares", signed) : null),
    ...term("Certainty", sure),
    ...term("Began", onset(row)),
    ...term("Probability", probability),
    ...term("Confidence", detail("confidence", row)),
    ...term("Ground seen", given("clear_share", share100)),
    ...term("Images", days(row)),
    ...term("Concession", given("outside_concessions_ha", () => detail("concession", row) || "none")),
    ...term("Outside any", given("outside_concessions_ha", hectares)),
    ...term("Protected area", given("protected_ha", () => detail("protected_area", row) || "none")),
    ...term("Inside it", detail("protected_area", row) ? given("protected_ha", hectares) : null),
    ...term("Joined", detail("joined", row).split(" ").join(", ")),
    ...term("Middle", place(sites.latitude[site] * 1e-5, sites.longitude[site] * 1e-5, 5)),
    ...term("Region", title(regions[sites.region[site]].name)),
    ...term("Model", [detail("model", row), detail("model_version", row)].filter(Boolean).join(", version ")),
    ...term("Lineage", detail("lineage_id", row)));
}

function historyRow(row, period, choose) {
  const seen = rows.status[row] !== NOT_SEEN;
  const go = element("button", {type: "button", class: "plain", onclick: () => choose(rows.period[row])},
    periods[rows.period[row]].name);
  return element("tr", {class: rows.period[row] === period ? "current" : ""},
    element("th", {scope: "row"}, go),
    element("td", {}, swatch(row), " ", statuses[rows.status[row]].title),
    element("td", {class: "figure"}, seen ? hectares(rows.hectares[row] ?? 0) : DASH),
    element("td", {class: "figure"}, seen ? signed(detail("change_hectares", row)) : DASH));
}

/**
 * The contents of the card of a site: its facts in a period, and its history.
 *
 * `choose(period)` is called when a period is clicked, `close()` when the card is.
 */
function draw(site, period, choose, close) {
  const history = historyOf(site);
  const row = rowOf(site, period);
  const shown = row ?? (rows.period[history[0]] > period ? history[0] : history.at(-1));
  const reason = rows.period[history[0]] > period ? "Not yet found" : "Joined to another site";
  const absent = row !== null ? null : element("p", {class: "note"},
    `${reason} in ${periods[period].name}; the facts are of ${periods[rows.period[shown]].name}.`);
  const alarm = rows.review?.[shown] ? element("p", {class: "alarm"},
    "To be reviewed: it touches a protected area or lies outside every concession.") : null;
  const head = ["Period", "Status", "Area", "Change"].map((name, at) =>
    element("th", {scope: "col", class: at > 1 ? "figure" : ""}, name));
  return [
    element("h2", {tabindex: "-1", id: "site-title"}, swatch(shown), sites.id[site]),
    element("button", {type: "button", class: "close", "aria-label": "Close the site", onclick: close}, "×"),
    alarm, absent,
    facts(shown),
    SiteChart.draw(barsOf(history), period, choose),
    element("table", {class: "history"}, element("thead", {}, element("tr", {}, ...head)),
      element("tbody", {}, ...history.map(each => historyRow(each, period, choose)))),
    element("p", {class: "note"}, "Evidence sheet:", element("code", {}, `kedro evidence ${sites.id[site]}`)),
    element("p", {class: "note"}, element("a", {href: addressOf(site)}, "Link to this site")),
  ].filter(Boolean);
}

return {draw, swatch, addressOf, headline};
})();
