/** Polygons on one canvas: those in view alone, small ones as dots, so that tens of thousands are shown at once. */
const PolygonLayer = (() => {
"use strict";

const {colour, element} = MapBase;
/** Pixels of a dot; what is smaller on the screen is drawn as one. Dots are smaller where many are in view. */
const DOT = 7, MANY = 1500, SMALL_DOT = 5;
/** Pixels around the cursor in which a polygon counts as hit. */
const TOLERANCE = 5;
/** A dark rim lets bright lines show on bright soil. */
const RIM = "#141414", RIM_OPACITY = 0.7;
const DASHES = [5, 4];
/** The ground of an opened polygon must be seen. */
const OPEN_OPACITY = 0.05;

/** Web Mercator with the world as the square from 0 to 1, as Leaflet scales it. */
function across(longitude) {
  return longitude / 360 + 0.5;
}

function down(latitude) {
  const sine = Math.sin(latitude * Math.PI / 180);
  return 0.5 - Math.log((1 + sine) / (1 - sine)) / (4 * Math.PI);
}

/** The rings of a polygon that was written as steps, each as x and y by turns. */
function decode(polygon, unit) {
  return polygon.flatMap(part => part.map(steps => {
    const ring = new Float64Array(steps.length);
    let east = 0, north = 0;
    for (let at = 0; at < steps.length; at += 2) {
      ring[at] = across((east += steps[at]) * unit);
      ring[at + 1] = down((north += steps[at + 1]) * unit);
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
 * A layer of polygons.
 *
 * `places` has the columns longitude, latitude and reach, which tell where a polygon may lie, in steps of `unit`
 * degrees. `source` has `rows(view)`, the polygons to draw with the last ones on top; `placeOf(row)`, `outline(row)`
 * and `look(row)`, a key of `looks`: fill, opacity, hatched, line, weight, dashed; `opened(view)`, a row or null; and
 * `words(row)` for the tooltip. A click fires `pick`.
 */
return L.Canvas.extend({
  initialize(places, unit, source) {
    L.Canvas.prototype.initialize.call(this, {pane: "polygons", padding: 0.2});
    this._places = places;
    this._unit = unit;
    this._source = source;
    this._rings = new Map();
    this._x = Float64Array.from(places.longitude, value => across(value * unit));
    this._y = Float64Array.from(places.latitude, value => down(value * unit));
    this._view = null;
    this._before = null;
    this._share = 0.5;
    this._tip = L.tooltip({direction: "top", offset: [0, -8]});
  },

  getEvents() {
    return {
      ...L.Canvas.prototype.getEvents.call(this),
      mousemove: this._hover, mouseout: this._leave, click: this._pick,
    };
  },

  onRemove(map) {
    this._leave();
    L.Canvas.prototype.onRemove.call(this, map);
  },

  /** Show a view; `before` is another one left of `share` of the map's width, or null. */
  show(view, before = null, share = 0.5) {
    [this._view, this._before, this._share] = [view, before, share];
    this.redraw();
  },

  redraw() {
    if (!this._map) return;
    this._clear();
    this._draw();
  },

  /** The topmost polygon at a place, or null. */
  _rowAt({latlng: {lat, lng}, containerPoint}) {
    const left = this._before !== null && containerPoint.x < this._share * this._map.getSize().x;
    const rows = this._source.rows(left ? this._before : this._view);
    const scale = this._scale(), x = across(lng), y = down(lat), near = TOLERANCE / scale;
    for (let at = rows.length - 1; at >= 0; at -= 1) {
      const row = rows[at], place = this._source.placeOf(row);
      const half = this._half(place, scale) / scale;
      const beyond = Math.max(Math.abs(this._x[place] - x), Math.abs(this._y[place] - y));
      if (beyond > half + near) continue;
      if (half * scale < DOT || holds(this._ringsOf(row), x, y)) return row;
    }
    return null;
  },

  _hover(event) {
    const row = this._rowAt(event);
    this._map.getContainer().classList.toggle("over-polygon", row !== null);
    if (row === null) this._map.closeTooltip(this._tip);
    else this._tip.setLatLng(event.latlng).setContent(element("span", {}, this._source.words(row))).openOn(this._map);
  },

  _leave() {
    this._map.getContainer().classList.remove("over-polygon");
    this._map.closeTooltip(this._tip);
  },

  _pick(event) {
    const row = this._rowAt(event);
    if (row !== null) this.fire("pick", {row, latlng: event.latlng});
  },

  _update() {
    if (this._map._animatingZoom && this._bounds) return;
    L.Canvas.prototype._update.call(this);
    this._draw();
  },

  _scale() {
    return this._map.options.crs.scale(this._map.getZoom());
  },

  /** Half of a place's width on the screen. A degree of latitude is longer on the map than one of longitude. */
  _half(place, scale) {
    const stretch = 1 / Math.max(0.05, Math.cos(this._places.latitude[place] * this._unit * Math.PI / 180));
    return this._places.reach[place] * this._unit / 360 * scale * stretch;
  },

  _ringsOf(row) {
    if (!this._rings.has(row)) this._rings.set(row, decode(this._source.outline(row), this._unit));
    return this._rings.get(row);
  },

  _draw() {
    if (!this._bounds || !this._map) return;
    if (this._before === null) {
      this._drawView(this._view);
      return;
    }
    const size = this._map.getSize(), context = this._ctx;
    const corner = this._map.containerPointToLayerPoint([0, 0]);
    const edge = this._share * size.x;
    for (const [view, from, to] of [[this._before, -size.x, edge], [this._view, edge, 2 * size.x]]) {
      context.save();
      context.beginPath();
      context.rect(corner.x + from, this._bounds.min.y, to - from, this._bounds.getSize().y);
      context.clip();
      this._drawView(view);
      context.restore();
    }
  },

  /** Dots and polygons in view by their look, in the order in which they are drawn. */
  _inView(rows, open, scale, origin) {
    const {min, max} = this._bounds;
    const groups = new Map();
    for (const row of rows) {
      if (row === open) continue;
      const place = this._source.placeOf(row), half = this._half(place, scale), reach = half + DOT;
      const x = this._x[place] * scale - origin.x, y = this._y[place] * scale - origin.y;
      if (x + reach < min.x || x - reach > max.x || y + reach < min.y || y - reach > max.y) continue;
      const look = this._source.look(row);
      if (!groups.has(look)) groups.set(look, {dots: [], shapes: []});
      if (2 * half < DOT) groups.get(look).dots.push(x, y);
      else groups.get(look).shapes.push(row);
    }
    return groups;
  },

  _drawView(view) {
    const scale = this._scale(), origin = this._map.getPixelOrigin();
    const open = this._source.opened(view);
    const groups = this._inView(this._source.rows(view), open, scale, origin);
    const many = [...groups.values()].reduce((sum, {dots}) => sum + dots.length / 2, 0) > MANY;
    for (const [look, {dots, shapes}] of groups) {
      this._trace(shapes, scale, origin);
      this._paint(this._source.looks[look]);
      this._drawDots(dots, many ? SMALL_DOT : DOT, this._source.looks[look]);
    }
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

  _paint({fill, opacity, hatched, line, weight, dashed}) {
    const context = this._ctx;
    context.fillStyle = hatched ? this._hatching ??= hatching(context, fill) : fill;
    context.globalAlpha = opacity;
    context.fill("evenodd");
    context.globalAlpha = RIM_OPACITY;
    context.strokeStyle = RIM;
    context.lineWidth = weight + 2;
    context.stroke();
    context.globalAlpha = 1;
    context.strokeStyle = line;
    context.lineWidth = weight;
    context.setLineDash(dashed ? DASHES : []);
    context.stroke();
    context.setLineDash([]);
  },

  /** Dots of what is drawn with dashes are hollow. */
  _drawDots(dots, wide, {line, dashed}) {
    const context = this._ctx;
    for (const [side, paint] of [[wide, RIM], [wide - 2, line], ...(dashed ? [[wide / 2 - 1.5, RIM]] : [])]) {
      context.fillStyle = paint;
      for (let at = 0; at < dots.length; at += 2) {
        context.fillRect(dots[at] - side / 2, dots[at + 1] - side / 2, side, side);
      }
    }
  },

  /** The opened polygon with a wider line, and a ring around it where it is small. */
  _drawOpen(row, scale, origin) {
    const look = this._source.looks[this._source.look(row)], place = this._source.placeOf(row), context = this._ctx;
    this._trace([row], scale, origin);
    this._paint({...look, opacity: look.hatched ? look.opacity : OPEN_OPACITY, weight: look.weight + 2});
    const half = this._half(place, scale);
    if (half > 3 * DOT) return;
    context.beginPath();
    context.arc(this._x[place] * scale - origin.x, this._y[place] * scale - origin.y, half + 2 * DOT, 0, 2 * Math.PI);
    for (const [width, paint] of [[5, RIM], [2.5, colour("opened")]]) {
      context.lineWidth = width;
      context.strokeStyle = paint;
      context.stroke();
    }
  },
});
})();
