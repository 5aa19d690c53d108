/** Sites on one canvas: those in view alone, small ones as dots, so that tens of thousands are shown at once. */
const SiteLayer = (() => {
"use strict";

const {colour} = MapBase;
/** Outlines are steps in hundred thousandths of a degree. */
const UNIT = 1e-5;
/** Pixels of a dot; what is smaller on the screen is drawn as one. Dots are smaller where many are in view. */
const DOT = 7, MANY = 1500, SMALL_DOT = 5;
/** Pixels around the cursor in which a site counts as hit. */
const TOLERANCE = 5;
const RIM = "#141414";
const DASHES = [5, 4];

/** Web Mercator with the world as the square from 0 to 1, as Leaflet scales it. */
function across(longitude) {
  return longitude / 360 + 0.5;
}

function down(latitude) {
  const sine = Math.sin(latitude * Math.PI / 180);
  return 0.5 - Math.log((1 + sine) / (1 - sine)) / (4 * Math.PI);
}

/** The rings of an outline, each as x and y by turns. */
function decode(outline) {
  return outline.flatMap(part => part.map(steps => {
    const ring = new Float64Array(steps.length);
    let east = 0, north = 0;
    for (let at = 0; at < steps.length; at += 2) {
      ring[at] = across((east += steps[at]) * UNIT);
      ring[at + 1] = down((north += steps[at + 1]) * UNIT);
    }
    return ring;
  }));
}

function holds(rings, x, y) {
  let inside = false;
  for (const ring of rings) {
    for (let at = 0, last = ring.length - 2; at < ring.length; last = at, at += 2) {
      const crosses = (ring[at + 1] > y) !== (ring[last + 1] > y);
      if (crosses && x < (ring[last] - ring[at]) * (y - ring[at + 1]) / (ring[last + 1] - ring[at + 1]) + ring[at]) {
        inside = !inside;
      }
    }
  }
  return inside;
}

function hatching(context, shade) {
  const tile = document.createElement("canvas");
  tile.width = tile.height = 8;
  const pen = tile.getContext("2d");
  pen.strokeStyle = shade;
  pen.lineWidth = 2;
  for (const shift of [-8, 0, 8]) {
    pen.moveTo(shift - 1, 9);
    pen.lineTo(shift + 9, -1);
  }
  pen.stroke();
  return context.createPattern(tile, "repeat");
}

/**
 * A layer of sites.
 *
 * `sites` has the columns longitude, latitude and reach; `outline(row)` an encoded outline; `rows(period)` the rows to
 * draw, the last ones on top; `siteOf`, `statusOf` and `confirmed` are columns of rows.
 */
return L.Canvas.extend({
  initialize(sites, source, options) {
    L.Canvas.prototype.initialize.call(this, options);
    this._sites = sites;
    this._source = source;
    this._rings = new Map();
    this._x = Float64Array.from(sites.longitude, value => across(value * UNIT));
    this._y = Float64Array.from(sites.latitude, value => down(value * UNIT));
    this._period = 0;
    this._before = null;
    this._share = 0.5;
    this.opened = null;
  },

  /** Show a period; `before` is another one left of `share` of the map's width, or null. */
  show(period, before, share) {
    [this._period, this._before, this._share] = [period, before, share];
    this.redraw();
  },

  redraw() {
    if (!this._map) return;
    this._clear();
    this._draw();
  },

  /** The row of the topmost site at a place, or null. */
  rowAt({lat, lng}, containerPoint) {
    const left = this._before !== null && containerPoint.x < this._share * this._map.getSize().x;
    const rows = this._source.rows(left ? this._before : this._period);
    const scale = this._scale(), x = across(lng), y = down(lat), near = TOLERANCE / scale;
    for (let at = rows.length - 1; at >= 0; at -= 1) {
      const row = rows[at], site = this._source.siteOf[row];
      const half = this._half(site, scale) / scale;
      const beyond = Math.max(Math.abs(this._x[site] - x), Math.abs(this._y[site] - y));
      if (beyond > half + near) continue;
      if (half * scale < DOT || holds(this._ringsOf(row), x, y)) return row;
    }
    return null;
  },

  _update() {
    if (this._map._animatingZoom && this._bounds) return;
    L.Canvas.prototype._update.call(this);
    this._draw();
  },

  _scale() {
    return this._map.options.crs.scale(this._map.getZoom());
  },

  /** Half of a site's width on the screen. A degree of latitude is longer on the map than one of longitude. */
  _half(site, scale) {
    const stretch = 1 / Math.max(0.05, Math.cos(this._sites.latitude[site] * UNIT * Math.PI / 180));
    return this._sites.reach[site] * UNIT / 360 * scale * stretch;
  },

  _ringsOf(row) {
    if (!this._rings.has(row)) this._rings.set(row, decode(this._source.outline(row)));
    return this._rings.get(row);
  },

  _draw() {
    if (!this._bounds || !this._map) return;
    const size = this._map.getSize(), context = this._ctx;
    if (this._before === null) {
      this._drawPeriod(this._period);
      return;
    }
    const corner = this._map.containerPointToLayerPoint([0, 0]);
    const edge = this._share * size.x;
    for (const [period, from, to] of [[this._before, -size.x, edge], [this._period, edge, 2 * size.x]]) {
      context.save();
      context.beginPath();
      context.rect(corner.x + from, this._bounds.min.y, to - from, this._bounds.getSize().y);
      context.clip();
      this._drawPeriod(period);
      context.restore();
    }
  },

  /** Rows of a period in view by appearance, in the order in which they are drawn. */
  _inView(rows, scale, origin) {
    const {min, max} = this._bounds, {siteOf, statusOf, confirmed} = this._source;
    const groups = new Map();
    for (const row of rows) {
      const site = siteOf[row];
      const x = this._x[site] * scale - origin.x, y = this._y[site] * scale - origin.y, half = this._half(site, scale);
      const reach = half + DOT;
      if (x + reach < min.x || x - reach > max.x || y + reach < min.y || y - reach > max.y) continue;
      const key = 2 * statusOf[row] + confirmed[row];
      if (!groups.has(key)) groups.set(key, {dots: [], shapes: []});
      if (2 * half < DOT) groups.get(key).dots.push(x, y);
      else groups.get(key).shapes.push(row);
    }
    return groups;
  },

  _drawPeriod(period) {
    const scale = this._scale(), origin = this._map.getPixelOrigin();
    const rows = this._source.rows(period);
    const groups = this._inView(rows, scale, origin);
    const many = [...groups.values()].reduce((sum, {dots}) => sum + dots.length / 2, 0) > MANY;
    for (const [key, {dots, shapes}] of groups) {
      const status = this._source.statuses[key >> 1], provisional = !(key & 1);
      this._trace(shapes, scale, origin);
      this._paint(status, provisional, 0);
      this._drawDots(dots, many ? SMALL_DOT : DOT, status.colour, provisional);
    }
    const open = this.opened === null ? null : this._source.rowOf(this.opened, period);
    if (open !== null) this._drawOpen(open, scale, origin);
  },

  _trace(rows, scale, origin) {
    const context = this._ctx;
    context.beginPath();
    for (const row of rows) {
      for (const ring of this._ringsOf(row)) {
        context.moveTo(ring[0] * scale - origin.x, ring[1] * scale - origin.y);
        for (let at = 2; at < ring.length; at += 2) {
          context.lineTo(ring[at] * scale - origin.x, ring[at + 1] * scale - origin.y);
        }
        context.closePath();
      }
    }
  },

  _paint({name, colour: shade}, provisional, wider) {
    const context = this._ctx;
    context.fillStyle = name === "not_seen" ? this._hatching ??= hatching(context, shade) : shade;
    context.globalAlpha = name === "not_seen" ? 0.9 : name === "inactive" ? 0 : 0.25;
    context.fill("evenodd");
    context.globalAlpha = 0.7;
    context.strokeStyle = RIM;
    context.lineWidth = 4 + wider;
    context.stroke();
    context.globalAlpha = 1;
    context.strokeStyle = shade;
    context.lineWidth = 2 + wider;
    context.setLineDash(provisional ? DASHES : []);
    context.stroke();
    context.setLineDash([]);
  },

  /** Dots of provisional sites are hollow. */
  _drawDots(dots, wide, shade, provisional) {
    const context = this._ctx;
    for (const [side, paint] of [[wide, RIM], [wide - 2, shade], ...(provisional ? [[wide / 2 - 1.5, RIM]] : [])]) {
      context.fillStyle = paint;
      for (let at = 0; at < dots.length; at += 2) {
        context.fillRect(dots[at] - side / 2, dots[at + 1] - side / 2, side, side);
      }
    }
  },

  /** The opened site, with a ring around it where it is small. */
  _drawOpen(row, scale, origin) {
    const {siteOf, statusOf, statuses, confirmed} = this._source;
    const site = siteOf[row], context = this._ctx;
    this._trace([row], scale, origin);
    this._paint(statuses[statusOf[row]], !confirmed[row], 2);
    const half = this._half(site, scale);
    if (half > 3 * DOT) return;
    context.beginPath();
    context.arc(this._x[site] * scale - origin.x, this._y[site] * scale - origin.y, half + 2 * DOT, 0, 2 * Math.PI);
    for (const [width, paint] of [[5, RIM], [2.5, colour("opened")]]) {
      context.lineWidth = width;
      context.strokeStyle = paint;
      context.stroke();
    }
  },
});
})();
