/** Sites, periods and rows of the page: a row is a site in a period. */
const SiteSeries = (() => {
"use strict";

const {data} = MapBase;
const {periods, regions, sites, rows, statuses} = data("data");
const [NEW, NOT_SEEN, INACTIVE, CANDIDATE] = ["new", "not_seen", "inactive", "candidate"].map(wanted => statuses.findIndex(({name}) => name === wanted));

const number = rows.period.length;
const siteOf = new Int32Array(number);
sites.row.forEach((first, site) => siteOf.fill(site, first, sites.row[site + 1] ?? number));
/** Rows by period; the place of a row in its period is that of its outline. */
const rowsOf = periods.map(() => []);
const rank = new Int32Array(number);
rows.period.forEach((period, row) => { rank[row] = rowsOf[period].push(row) - 1; });
const byId = new Map(sites.id.map((id, site) => [id, site]));

function historyOf(site) {
  const history = [];
  for (let row = sites.row[site]; row < (sites.row[site + 1] ?? number); row += 1) history.push(row);
  return history;
}

/** The row of a site in a period; null before it was found, and once another site has absorbed it. */
function rowOf(site, period) {
  return historyOf(site).find(row => rows.period[row] === period) ?? null;
}

function outline(row) {
  const found = data(`outlines-${rows.period[row]}`)[rank[row]];
  return found ?? outline(row - 1);
}

/** Hectares of a row; of a site that was not seen those last known. */
function areaOf(row) {
  for (let at = row; at >= sites.row[siteOf[row]]; at -= 1) {
    if (rows.hectares[at] !== null) return rows.hectares[at];
  }
  return 0;
}

/** Whether a row counts in sums: candidates have to be mapped again first. */
function counts(row) {
  let at = row;
  while (at > sites.row[siteOf[row]] && [NOT_SEEN, INACTIVE].includes(rows.status[at])) at -= 1;
  return rows.status[at] !== CANDIDATE;
}

function total(some) {
  return some.reduce((sum, row) => sum + areaOf(row), 0);
}

/** Hectares by period of some rows. */
function barsOf(some) {
  const bars = periods.map(({name}) => ({name, seen: 0, unseen: 0, known: false}));
  for (const row of some) {
    const bar = bars[rows.period[row]];
    bar.known = true;
    bar[rows.status[row] === NOT_SEEN ? "unseen" : "seen"] += areaOf(row);
  }
  return bars;
}

function detail(name, row) {
  const column = data("details")[name];
  return Array.isArray(column) ? column[row] : column.values[column.codes[row]];
}

return {
  periods, regions, sites, rows, statuses, NEW, NOT_SEEN, CANDIDATE, siteOf, rowsOf, byId, historyOf, rowOf, outline,
  areaOf, counts, total, barsOf, detail,
};
})();
