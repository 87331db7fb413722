// Drives Chromium for bench/ui.py: opens pages of a portal and of an `mlflow server`, and prints what it measured as one line of JSON.
// The job is JSON on standard input; see `main` at the end.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';

const { chromium } = createRequire(new URL('../end2end/package.json', import.meta.url))('@playwright/test');
const FLAGS = ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync'];
const VIEWPORT = { width: 1280, height: 800 };
const PATIENCE = 120_000;

/** What each page needs to be usable: asked once a frame in the page. Each is whole source text, since it goes there as text. */
const USABLE = {
  /** Rows of runs are drawn within the window, and the page answers. */
  'slipway table': () => document.documentElement.dataset.hydrated !== undefined && rowsSeen('.runs-wrap [role=row] a, .runs-wrap tr a') >= 10,
  'mlflow table': () => rowsSeen('[role=row] a[href*="/runs/"], .ag-row a[href*="/runs/"]') >= 10,
  'slipway compare': (lines) => document.documentElement.dataset.hydrated !== undefined && document.querySelectorAll('.chart-plot svg polyline.line').length >= lines,
  'mlflow compare': (runs) => document.querySelectorAll('table a[href*="/runs/"], th a[href*="/runs/"]').length >= runs && document.querySelector('.js-plotly-plot .main-svg') !== null,
  'mlflow charts': (lines) => document.querySelectorAll('.js-plotly-plot .scatterlayer .trace path.js-line').length >= lines,
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
  const seen = (element) => {
    const place = element.getBoundingClientRect();
    return place.height > 0 && place.top < innerHeight && place.bottom > 0;
  };
  window.rowsSeen = (selector) => [...document.querySelectorAll(selector)].filter(seen).length;
  const bench = { tasks: [], events: [], frames: [] };
  bench.wasm = () => [...memories].reduce((sum, memory) => sum + memory.buffer.byteLength, 0);
  Object.defineProperty(window, 'bench', { value: bench });
  new PerformanceObserver((list) => bench.tasks.push(...list.getEntries().map(({ startTime, duration }) => ({ startTime, duration })))).observe({ type: 'longtask', buffered: true });
  new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) if (entry.interactionId) bench.events.push({ type: entry.name, start: entry.startTime, duration: entry.duration });
  }).observe({ type: 'event', durationThreshold: 16, buffered: true });
  const is = new Function('argument', `return (${usable})(argument)`);
  const look = () => {
    if (document.documentElement?.dataset.hydrated !== undefined) bench.hydrated ??= performance.now();
    if (is(argument)) requestAnimationFrame(() => (bench.usable = performance.now()));
    else requestAnimationFrame(look);
  };
  requestAnimationFrame(look);
  // From an input to the frame that is painted after it, also for those that browsers do not count as interactions (pointing, scrolling).
  bench.painted = [];
  const { port1, port2 } = new MessageChannel();
  const waiting = [];
  port1.onmessage = () => {
    for (const { type, at } of waiting.splice(0)) bench.painted.push({ type, start: at, duration: performance.now() - at });
  };
  for (const type of ['pointermove', 'pointerdown', 'pointerup', 'click', 'keydown', 'keyup', 'input', 'change', 'wheel']) {
    addEventListener(
      type,
      (event) => {
        waiting.push({ type, at: event.timeStamp });
        requestAnimationFrame(() => port2.postMessage(0));
      },
      { capture: true, passive: true },
    );
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
    await context.addInitScript(() => localStorage.setItem('mlflow.bench', '1'));
    return context;
  }

  /** Opens a page; what that took. The page stays open. */
  async open(context, path, usable, argument = 0) {
    const page = await context.newPage();
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

/** The milliseconds from each of these actions to the paint that follows it. */
async function paints(page, name, actions) {
  const all = [];
  for (const act of actions) {
    await page.evaluate(() => (bench.painted.length = bench.events.length = 0));
    await act();
    // Two frames, so that the last event has been painted and told.
    await page.evaluate(() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(done, 30)))));
    const taken = await page.evaluate(() => [...bench.painted, ...bench.events].map((event) => event.duration));
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

/** What somebody does on the compare page of all runs. */
async function interactions({ sides, path, lines }) {
  const context = await sides.slipway.fresh();
  const { page, cdp } = await sides.slipway.open(context, path, 'slipway compare', lines);
  const before = await heap(page, cdp);
  const plot = await page.locator('.chart-hold').boundingBox();
  const at = (share) => [plot.x + plot.width * share, plot.y + plot.height / 2];
  const found = [];
  const times = (count, act) => Array.from({ length: count }, (_, i) => () => act(i));
  found.push(await paints(page, 'point at the chart', times(20, (i) => page.mouse.move(...at(0.15 + i * 0.04)))));
  await page.mouse.move(0, 0);
  await page.locator('.chart-hold').focus();
  found.push(await paints(page, 'read by keyboard', times(10, () => page.keyboard.press('ArrowRight'))));
  const rows = page.locator('section[aria-label=Runs] tbody tr');
  await rows.first().scrollIntoViewIfNeeded();
  const boxes = await Promise.all([0, 1, 2, 3].map((i) => rows.nth(i).locator('th').boundingBox()));
  found.push(await paints(page, 'point at a line of the legend', times(8, (i) => page.mouse.move(boxes[i % 4].x + 30, boxes[i % 4].y + 10))));
  const wheel = async () => {
    await page.mouse.wheel(0, 300);
  };
  await page.mouse.move(640, 400);
  found.push(await paints(page, 'scroll', times(20, wheel)));
  await page.evaluate(() => scrollTo(0, 0));
  const chosen = { ms: [], name: 'another metric, drawn' };
  const metric = page.getByRole('combobox', { name: 'Metric' });
  const names = await metric.locator('option').allTextContents();
  found.push(
    await paints(
      page,
      'choose another metric',
      times(4, async (i) => {
        const name = names[(i + 1) % names.length];
        const begun = Date.now();
        await metric.selectOption(name);
        await page.locator('section[aria-label=Chart] h2', { hasText: name }).waitFor();
        chosen.ms.push(Date.now() - begun);
      }),
    ),
  );
  const toggled = { ms: [], name: 'a line hidden or shown, drawn' };
  found.push(
    await paints(
      page,
      'hide or show a line',
      times(4, async (i) => {
        const begun = Date.now();
        await rows.first().getByRole('link', { name: i % 2 ? /^Show / : /^Hide / }).click();
        await rows.first().getByRole('link', { name: i % 2 ? /^Hide / : /^Show / }).waitFor();
        toggled.ms.push(Date.now() - begun);
      }),
    ),
  );
  const field = page.getByRole('spinbutton', { name: 'From' });
  await field.focus();
  found.push(await paints(page, 'type into a field', times(6, (i) => page.keyboard.press(String(i)))));
  const after = await heap(page, cdp);
  await context.close();
  return { found, chosen: [chosen, toggled], before, after };
}

/** A point that a client logs, until it is painted. */
async function live({ sides, path, usable, argument, run, token, points, first, words }) {
  const context = await sides.slipway.fresh();
  const { page } = await sides.slipway.open(context, path, usable, argument);
  await page.evaluate(() => {
    // The count of points below a chart changes with the chart.
    const text = () => [...document.querySelectorAll('.chart-count')].map((count) => count.textContent).join('|');
    bench.counts = [];
    let before = text();
    new MutationObserver(() => {
      const now = text();
      if (now === before) return;
      before = now;
      requestAnimationFrame(() => {
        const channel = new MessageChannel();
        channel.port1.onmessage = () => bench.counts.push({ text: now, at: performance.timeOrigin + performance.now() });
        channel.port2.postMessage(0);
      });
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
    await page.waitForFunction((counts) => bench.counts.length > counts, counts, { timeout: PATIENCE, polling: 20 });
    const { at } = await page.evaluate((counts) => bench.counts[counts], counts);
    all.push({ seen: at - begun, acknowledged });
    await new Promise((soon) => setTimeout(soon, 50 + Math.random() * 300));
  }
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
