// The belt as a moving strip: places between two updates are extrapolated, never beyond STALE_MS.
const STALE_MS = 500;
const FLASH_MS = 400;
const COLOURS = ["#e69f00", "#56b4e9", "#009e73", "#f0e442", "#0072b2", "#d55e00", "#cc79a7", "#7a3e9d", "#8c6d31", "#a3d4c0", "#5c2a2a", "#b8b8ff"];
const OTHERS = "#8a949b";

export function colour(bins, name) {
  const index = bins.findIndex((bin) => bin.name === name);
  return index < 0 || bins[index].valve === null ? OTHERS : COLOURS[index % COLOURS.length];
}

export function inkOn(hex) {
  const [r, g, b] = [1, 3, 5].map((at) => {
    const part = parseInt(hex.slice(at, at + 2), 16) / 255;
    return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * r + 0.7152 * g + 0.0722 * b > 0.18 ? "#000000" : "#ffffff";
}

export class Belt {
  constructor(canvas) {
    this.canvas = canvas;
    this.still = matchMedia("(prefers-reduced-motion: reduce)");
    this.items = [];
    this.fired = new Map();
    this.flashes = new Map();
    this.drawn = 0;
    const frame = (now) => { this.draw(now); requestAnimationFrame(frame); };
    requestAnimationFrame(frame);
  }

  take(belt) { this.belt = belt; this.at = performance.now() - (belt ? belt.age * 1000 : 0); }

  shots(valves) {
    for (const valve of valves) {
      const before = this.fired.get(valve.valve);
      if (before !== undefined && valve.fired > before) this.flashes.set(valve.valve, performance.now());
      this.fired.set(valve.valve, valve.fired);
    }
  }

  get stale() { return !this.belt || !this.belt.heard || performance.now() - this.at > STALE_MS || this.lost; }

  position(now) {
    return this.belt.position + this.belt.velocity * Math.min(now - this.at, STALE_MS) / 1000;
  }

  draw(now) {
    const pause = this.still.matches || this.stale ? 500 : 33;
    if (now - this.drawn < pause || !this.layout) return;
    this.drawn = now;
    const { canvas, layout } = this;
    const style = getComputedStyle(canvas);
    const token = (name) => style.getPropertyValue(name).trim();
    const ratio = devicePixelRatio, width = canvas.clientWidth, height = canvas.clientHeight;
    if (canvas.width !== Math.round(width * ratio) || canvas.height !== Math.round(height * ratio)) {
      canvas.width = Math.round(width * ratio);
      canvas.height = Math.round(height * ratio);
    }
    const c = canvas.getContext("2d");
    c.setTransform(ratio, 0, 0, ratio, 0, 0);
    c.clearRect(0, 0, width, height);
    const left = 14, scale = (width - 58) / (layout.length + 0.05);
    const x = (metres) => left + metres * scale;
    const top = 24, tall = 54;
    c.fillStyle = token("--belt");
    c.fillRect(left, top, x(layout.length) - left, tall);
    c.font = "600 12px system-ui, sans-serif";
    c.textAlign = "center";
    const mark = (metres, text) => {
      c.strokeStyle = token("--off");
      c.beginPath(); c.moveTo(x(metres), top - 5); c.lineTo(x(metres), top + tall); c.stroke();
      c.fillStyle = token("--soft");
      c.textAlign = "left";
      c.fillText(text, x(metres) - 2, top - 9);
      c.textAlign = "center";
    };
    mark(0, "barrier");
    mark(layout.camera, "camera");
    for (const bin of layout.bins) {
      const fill = colour(layout.bins, bin.name);
      const flash = now - (this.flashes.get(bin.valve) ?? -FLASH_MS) < FLASH_MS;
      const place = bin.valve === null ? x(layout.length) + 22 : x(bin.distance);
      if (bin.valve !== null) {
        c.fillStyle = flash ? token("--ink") : token("--off");
        c.beginPath(); c.moveTo(place - 6, top - 12); c.lineTo(place + 6, top - 12); c.lineTo(place, top - 1); c.fill();
        if (flash) c.fillRect(place - 2, top, 4, tall);
      }
      c.fillStyle = fill;
      c.fillRect(place - 13, top + tall + 8, 26, 22);
      c.fillStyle = inkOn(fill);
      c.font = "800 14px system-ui, sans-serif";
      c.fillText(bin.letter, place, top + tall + 24);
    }
    if (!this.belt) return;
    const position = this.position(now);
    for (const item of this.items) {
      const place = position - item.position;
      const goal = layout.bins.find((bin) => bin.name === item.bin);
      if (place < -0.05 || place > layout.length + 0.03) continue;
      if (item.outcome && goal && goal.valve !== null && place > goal.distance + 0.06) continue;
      const blown = goal && goal.valve !== null && place > goal.distance;
      const fill = item.bin ? colour(layout.bins, item.bin) : token("--card");
      const long = Math.max(item.length * scale, 10);
      const y = blown ? top + 34 : top + 14;
      c.globalAlpha = this.stale ? 0.45 : 1;
      c.fillStyle = fill;
      c.strokeStyle = token("--ink");
      c.beginPath(); c.roundRect(x(place) - long / 2, y, long, 22, 4); c.fill(); c.stroke();
      c.fillStyle = item.bin ? inkOn(fill) : token("--ink");
      c.font = "800 12px system-ui, sans-serif";
      c.fillText(item.bin ? goal?.letter ?? "?" : "?", x(place), y + 15);
      c.fillStyle = token("--soft");
      c.font = "10px system-ui, sans-serif";
      if (item.confidence !== null && long > 24) c.fillText(`${Math.round(item.confidence * 100)} %`, x(place), y + 33);
      c.globalAlpha = 1;
    }
  }
}
