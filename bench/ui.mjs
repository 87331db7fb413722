// Drives Chromium for bench/ui.py: opens pages of a portal and of an `mlflow server`, and prints what it measured as one line of JSON.
// The job is JSON on standard input; see `main` at the end.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';

const { chromium } = createRequire(new URL('../end2end/package.json', import.meta.url))('@playwright/test');
const FLAGS = ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync'];
const VIEWPORT = { width: 1280, height: 800 };
const PATIENCE = 120_000;
/** A point that is not on the screen by then is lost; it counts with this time. */
const LOST = 20_000;
/** How long one kind of interaction is tried. */
const ENOUGH = 15_000;

/** When a page is usable: its data is on the screen and it answers. Asked in the page, once a frame, so each goes there as text. */
const USABLE = {
  /** Ten rows of runs lie within the window, and the wasm has taken over. */
  'slipway table': () => document.documentElement.dataset.hydrated !== undefined && seen('.runs-wrap a[href*="/runs/"]') >= 10,
  /** As many lines are in the chart, and the wasm has taken over. */
  'slipway chart': (lines) => document.documentElement.dataset.hydrated !== undefined && [...document.querySelectorAll('.chart-plot canvas')].reduce((drawn, canvas) => drawn + [...(canvas.dataset.marks ?? '').matchAll(/(\d+) line /g)].reduce((sum, [, count]) => sum + Number(count), 0), 0) >= lines,
  'mlflow table': () => seen('.ag-row a[href*="/runs/"]') >= 10,
  /** The parallel coordinates have their axes, and the table below has every run. */
  'mlflow compare': (runs) => document.querySelectorAll('table a[href*="/runs/"]').length >= runs && document.querySelectorAll('.js-plotly-plot .parcoords .axis-title').length > 1,
  /** A chart has as many lines; MLflow draws the newest ten unless somebody asks for more. */
  'mlflow charts': (lines) => [...document.querySelectorAll('.js-plotly-plot')].some((plot) => plot.querySelectorAll('.scatterlayer .trace path.js-line').length >= lines),
};

/** Runs in every page before its own scripts: keeps wasm memories, and notes when the page is usable and what blocks it. */
function instruments({ usable, argument }) {
  const memories = new Set();
  const keep = (result) => {
    for (const value of Object.values((result.instance ?? result).exports)) if (value instanceof WebAssembly.Memory) memories.add(value);
    return result;
  };
  for (const name of ['instantiate', 'instantiateStreaming']) {
    const own = WebAssembly[name];
    WebAssembly[name] = (...given) => own.apply(WebAssembly, given).then(keep);
  }
  const inWindow = (element) => {
    const place = element.getBoundingClientRect();
    return place.height > 0 && place.top < innerHeight && place.bottom > 0;
  };
  const seen = (selector) => [...document.querySelectorAll(selector)].filter(inWindow).length;
  const bench = { tasks: [], events: [], draws: [] };
  bench.wasm = () => [...memories].reduce((sum, memory) => sum + memory.buffer.byteLength, 0);
  Object.defineProperty(window, 'bench', { value: bench });
  new PerformanceObserver((list) => bench.tasks.push(...list.getEntries().map(({ startTime, duration }) => ({ startTime, duration })))).observe({ type: 'longtask', buffered: true });
  new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) if (entry.interactionId) bench.events.push(entry.duration);
  }).observe({ type: 'event', durationThreshold: 16, buffered: true });
  // What the portal itself times: each painting of a chart.
  new PerformanceObserver((list) => bench.draws.push(...list.getEntriesByName('slipway:draw').map(({ duration }) => duration))).observe({ type: 'measure', buffered: true });
  const is = new Function('argument', 'seen', `return (${usable})(argument)`);
  const look = () => {
    if (document.documentElement?.dataset.hydrated !== undefined) bench.hydrated ??= performance.now();
    if (is(argument, seen)) requestAnimationFrame(() => (bench.usable = performance.now()));
    else requestAnimationFrame(look);
  };
  requestAnimationFrame(look);
  // From an input to the third frame after it, also for what browsers do not count as interactions. The first frame has what the input changed; the
  // second may begin while the first is still being painted, the third may not.
  const frames = (count, then) => (count ? requestAnimationFrame(() => frames(count - 1, then)) : then());
  Object.assign(bench, { frames, painted: [] });
  for (const type of ['pointermove', 'pointerdown', 'pointerup', 'click', 'keydown', 'keyup', 'input', 'change', 'wheel']) {
    const note = ({ timeStamp }) => frames(3, () => bench.painted.push(performance.now() - timeStamp));
    addEventListener(type, note, { capture: true, passive: true });
  }
}

class Side {
  constructor(browser, name, of) {
    Object.assign(this, { browser, name, ...of });
  }

  /** A browser with an empty cache, signed in where that is needed. */
  async fresh() {
    const context = await this.browser.newContext({ baseURL: this.url, viewport: VIEWPORT, locale: 'en-GB' });
    if (this.email) {
      const answer = await context.request.post('/api/identity/sign_in', {
        form: { email: this.email, password: this.password, next: '/' },
        headers: { Origin: this.url, 'Sec-Fetch-Site': 'same-origin', Accept: 'application/json' },
        maxRedirects: 0,
      });
      if (answer.status() >= 400) throw new Error(`sign-in: ${answer.status()} ${await answer.text()}`);
    }
    return context;
  }

  /** Opens a page; what that took. The page stays open. */
  async open(context, path, usable, argument = 0) {
    const page = await context.newPage();
    page.setDefaultTimeout(PATIENCE);
    const cdp = await context.newCDPSession(page);
    await cdp.send('Network.enable');
    await cdp.send('Performance.enable');
    let bytes = 0, requests = 0, data = 0;
    cdp.on('Network.loadingFinished', ({ encodedDataLength }) => ((bytes += encodedDataLength), requests++));
    cdp.on('Network.dataReceived', ({ dataLength }) => (data += dataLength));
    await page.addInitScript(instruments, { usable: USABLE[usable].toString(), argument });
    await page.goto(this.url + path, { waitUntil: 'commit', timeout: PATIENCE });
    await page.waitForFunction(() => window.bench?.usable !== undefined, undefined, { timeout: PATIENCE, polling: 50 });
    const seen = await page.evaluate(() => ({
      usable: bench.usable,
      hydrated: bench.hydrated,
      painted: performance.getEntriesByName('first-contentful-paint')[0]?.startTime,
      html: performance.getEntriesByType('navigation')[0].responseEnd,
      first: performance.getEntriesByType('navigation')[0].responseStart,
      interactive: performance.getEntriesByType('navigation')[0].domInteractive,
      blocked: bench.tasks.reduce((sum, task) => sum + Math.max(0, task.duration - 50), 0),
      longest: Math.max(0, ...bench.tasks.map((task) => task.duration)),
      nodes: document.querySelectorAll('*').length,
    }));
    return { page, cdp, ...seen, bytes, requests, data };
  }

  /** Opened with an empty cache, and again with what the first visit left; figures only. */
  async visits(path, usable, argument) {
    const context = await this.fresh();
    const figures = {};
    for (const kind of ['cold', 'warm']) {
      const { page, cdp, ...seen } = await this.open(context, path, usable, argument);
      figures[kind] = seen;
      await page.close();
    }
    await context.close();
    return figures;
  }
}

/** Bytes of the page after the garbage is gone: V8's heap and wasm's memories. */
async function heap(page, cdp) {
  await cdp.send('HeapProfiler.enable');
  await cdp.send('HeapProfiler.collectGarbage');
  const { metrics } = await cdp.send('Performance.getMetrics');
  const of = (name) => metrics.find((metric) => metric.name === name).value;
  return { js: of('JSHeapUsedSize'), wasm: await page.evaluate(() => bench.wasm()), nodes: of('Nodes'), layouts: of('LayoutObjects') };
}

/** Once the last input has been painted and told. */
const settled = (page) => page.evaluate(() => new Promise((done) => bench.frames(4, () => setTimeout(done, 30))));

/** The milliseconds from each action to the paint that follows it: as the browser tells interactions, else to the third frame. */
async function paints(page, name, times, act) {
  const all = [], begun = Date.now();
  // A page that takes many seconds for each shows that in a few.
  for (let i = 0; i < times && (i < 2 || Date.now() - begun < ENOUGH); i++) {
    await page.evaluate(() => (bench.painted.length = bench.events.length = 0));
    await act(i);
    await settled(page);
    const taken = await page.evaluate(() => (bench.events.length ? bench.events : bench.painted));
    if (taken.length) all.push(Math.max(...taken));
  }
  console.error(`  ${name}: ${all.map(Math.round).join(' ')} ms`);
  return { name, all };
}

const JOBS = { pages, interactions, live };

/** Every page on both sides, in turns. */
async function pages({ sides, pages, rounds }) {
  const found = [];
  for (let round = 0; round < rounds; round++) {
    for (const { name, side, path, usable, argument } of pages) {
      const figures = await sides[side].visits(path, usable, argument);
      for (const kind of ['cold', 'warm']) found.push({ name, side, kind, ...figures[kind] });
      console.error(`  ${name}, ${side}: ${Math.round(figures.cold.usable)} ms, then ${Math.round(figures.warm.usable)} ms, ${Math.round(figures.cold.bytes / 1000)} kB`);
    }
  }
  return found;
}

/** What somebody does on a page with one chart of so many lines. */
async function interactions({ sides, path, lines }) {
  const context = await sides.slipway.fresh();
  const { page, cdp } = await sides.slipway.open(context, path, 'slipway chart', lines);
  await settled(page);
  const before = await heap(page, cdp);
  const plot = await page.locator('.chart-hold').boundingBox();
  const kinds = [], whole = [];
  const measure = async (name, times, act) => kinds.push(await paints(page, name, times, act));
  // Also until what was asked for is there, which may need the server.
  const measureWhole = async (name, times, act) => {
    const all = [];
    await measure(name, times, async (i) => {
      const begun = Date.now();
      await act(i);
      all.push(Date.now() - begun);
    });
    whole.push({ name: `${name}: until it is there`, all });
  };

  await measure('point at the chart', 20, (i) => page.mouse.move(plot.x + plot.width * (0.15 + i * 0.04), plot.y + plot.height / 2));
  await page.mouse.move(0, 0);
  await page.locator('.chart-hold').focus();
  await measure('read the chart by keyboard', 10, () => page.keyboard.press('ArrowRight'));
  const rows = page.locator('section[aria-label=Runs] tbody tr');
  await rows.nth(3).scrollIntoViewIfNeeded();
  const places = await Promise.all([0, 1, 2, 3].map((i) => rows.nth(i).locator('th').boundingBox()));
  await measure('point at a line in the legend', 8, (i) => page.mouse.move(places[i % 4].x + 30, places[i % 4].y + 10));
  await page.mouse.move(640, 400);
  await measure('scroll', 20, () => page.mouse.wheel(0, 300));
  await page.evaluate(() => scrollTo(0, 0));
  await page.locator('.chart-more > summary').click();
  const from = page.getByRole('spinbutton', { name: 'From' });
  await from.focus();
  await measure('type into a field', 6, (i) => page.keyboard.press(String(i)));
  await from.fill('');
  const metric = page.getByRole('combobox', { name: 'Metric' });
  const names = await metric.locator('option').allTextContents();
  await measureWhole('choose another metric', 4, async (i) => {
    await metric.selectOption(names[(i + 1) % names.length]);
    await page.locator('section[aria-label=Chart] h2').filter({ hasText: names[(i + 1) % names.length] }).waitFor();
  });
  await measureWhole('hide or show a line', 4, async (i) => {
    const [now, then] = i % 2 ? [/^Show /, /^Hide /] : [/^Hide /, /^Show /];
    await rows.first().getByRole('link', { name: now }).click();
    await rows.first().getByRole('link', { name: then }).waitFor();
  });
  const after = await heap(page, cdp);
  const draws = await page.evaluate(() => bench.draws);
  await context.close();
  return { kinds, whole, draws, before, after };
}

/** A point that a client logs, until it is painted. */
async function live({ sides, path, lines, run, token, points, first }) {
  const context = await sides.slipway.fresh();
  const { page } = await sides.slipway.open(context, path, 'slipway chart', lines);
  await page.evaluate(() => {
    // The count of points below a chart changes with the chart.
    const text = () => [...document.querySelectorAll('.chart-count')].map((count) => count.textContent).join('|');
    bench.counts = [];
    let before = text();
    new MutationObserver(() => {
      const now = text();
      if (now === before) return;
      before = now;
      requestAnimationFrame(() => requestAnimationFrame(() => bench.counts.push(performance.timeOrigin + performance.now())));
    }).observe(document.body, { subtree: true, childList: true, characterData: true });
  });
  const all = [];
  for (let i = 0; i < points; i++) {
    const counts = await page.evaluate(() => bench.counts.length);
    const begun = Date.now();
    const answer = await fetch(`${sides.slipway.url}/api/2.0/mlflow/runs/log-metric`, {
      method: 'POST',
      headers: { Authorization: `Bearer ${token}`, 'Content-Type': 'application/json' },
      body: JSON.stringify({ run_id: run, key: 'loss', value: Math.random(), timestamp: begun, step: first + i }),
    });
    if (!answer.ok) throw new Error(`log-metric: ${answer.status} ${await answer.text()}`);
    const acknowledged = Date.now() - begun;
    const came = await page.waitForFunction((counts) => bench.counts.length > counts, counts, { timeout: LOST, polling: 20 }).then(() => true, () => false);
    if (!came) {
      console.error(`  point ${i} of ${points} is not on ${path} after ${LOST} ms`);
      all.push({ seen: LOST, acknowledged });
      continue;
    }
    const at = await page.evaluate((counts) => bench.counts[counts], counts);
    all.push({ seen: at - begun, acknowledged });
    await new Promise((soon) => setTimeout(soon, 50 + Math.random() * 300));
  }
  console.error(`  ${points} points logged to ${path}`);
  await context.close();
  return all;
}

async function main() {
  const job = JSON.parse(readFileSync(0, 'utf8'));
  const browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium', args: FLAGS });
  try {
    job.sides = Object.fromEntries(Object.entries(job.sides).map(([name, of]) => [name, new Side(browser, name, of)]));
    console.log(JSON.stringify({ version: browser.version(), answer: await JOBS[job.job](job) }));
  } finally {
    await browser.close();
  }
}

await main();
