// The page of `spacy absa serve`. Text only ever enters the page as text nodes, or as displaCy's
// markup, which the server has escaped.

const $ = (id) => document.getElementById(id);
const zh = navigator.language.startsWith("zh");
document.documentElement.lang = zh ? "zh" : "en";

const WORDS = {
  entity: ["entity", "实体"], sentiment: ["sentiment", "情感"], scores: ["scores", "得分"],
  certainty: ["certainty", "置信度"], id: ["id", "编号"],
  readings: ["Readings", "候选结果"],
  before: ["by the tagger alone; probabilities before the entity list has its say", "仅标注器的结果；概率为使用词表之前的概率"],
  why: ["What moved the sentiment", "情感依据"],
  for: ["for its label", "支持该判断"], against: ["against it", "反对该判断"],
  noReason: ["nothing around it moved the sentiment", "上下文没有明显依据"],
  none: ["No entity.", "没有实体。"], busy: ["Working…", "分析中……"],
  positive: ["positive", "正面"], neutral: ["neutral", "中性"], negative: ["negative", "负面"],
  entries: ["names", "条"], edited: ["edited", "已修改"], download: ["Download as JSONL", "下载 JSONL"],
  first: ["the first 50 are shown below", "以下显示前 50 条"], texts: ["texts", "条文本"],
  mentions: ["mentions", "次提及"], skipped: ["empty or too long", "条为空或过长"],
  more: ["the file has more rows than are read", "文件行数超出上限，其余未读"],
  tooLong: ["too long for readings and explanations", "文本过长，不给出候选结果和解释"],
};
const say = (key) => (WORDS[key] ? WORDS[key][zh ? 1 : 0] : key);
const EXAMPLE = "哈弗H6省油又好看，邻居那台途观天天修，真坑。\n我喜欢本田，我不喜欢丰田";
const SHOWN = 50;

let limits = {};
let ownLexicon = "";
let turn = 0;
let again = analyse; // what a change of the settings repeats

function element(tag, className, ...children) {
  const node = document.createElement(tag);
  if (className) node.className = className;
  node.append(...children);
  return node;
}

function status(text, isError = false) {
  $("status").textContent = text;
  $("status").className = isError ? "error" : "";
}

async function ask(path, options) {
  const response = await fetch(path, options);
  const answer = await response.json().catch(() => ({ detail: response.statusText }));
  if (!response.ok) throw new Error(answer.detail);
  return answer;
}

// What the entity list and its use are for the requests of this page.
function settings() {
  const lexicon = $("lexicon").value;
  return {
    lexicon: lexicon === ownLexicon ? null : lexicon,
    lexicon_mode: document.querySelector("[name=mode]:checked")?.value ?? null,
  };
}

// Shows what `work` gives, unless something else has been asked for meanwhile.
async function show(work) {
  const mine = ++turn;
  status(say("busy"));
  try {
    const display = await work();
    if (mine === turn) display();
  } catch (error) {
    if (mine === turn) status(error.message, true);
  }
}

function analyse() {
  again = analyse;
  return show(askTexts);
}

function analyseFile(file) {
  again = () => analyseFile(file);
  return show(() => askFile(file));
}

async function askTexts() {
  const texts = $("texts").value.split("\n").filter((line) => line.trim());
  if (!texts.length) return () => { status(""); clear(); };
  const close = texts.reduce((n, text) => n + Array.from(text).length, 0) <= limits.close_chars;
  const { results } = await ask("/analyse", {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({
      texts, ...settings(), html: true,
      explain: close && $("explain").checked,
      readings: close ? Number($("readings").value) : 0,
    }),
  });
  return () => {
    status(close ? "" : say("tooLong"));
    clear();
    $("results").append(...results.map(card));
  };
}

async function askFile(file) {
  const form = new FormData();
  form.append("file", file);
  for (const [key, value] of Object.entries(settings())) if (value !== null) form.append(key, value);
  const answer = await ask("/file", { method: "POST", body: form });
  return () => {
    const mentions = answer.brands.reduce((n, brand) => n + brand.mentions, 0);
    const notes = [
      `${file.name}: ${answer.results.length} ${say("texts")}, ${mentions} ${say("mentions")}`,
      answer.skipped && `${answer.skipped} ${say("skipped")}`,
      answer.more && say("more"),
      answer.results.length > SHOWN && say("first"),
    ];
    status(notes.filter(Boolean).join("; "));
    clear();
    $("results").append(download(answer.results), ...answer.results.slice(0, SHOWN).map(card));
    if (answer.brands.length) draw(answer.chart);
  };
}

function clear() {
  $("chart").replaceChildren();
  $("results").replaceChildren();
}

async function draw(chart) {
  if (!window.Plotly) {
    await new Promise((resolve, reject) => {
      const script = element("script");
      Object.assign(script, { src: "/plotly.js", onload: resolve, onerror: reject });
      document.head.append(script);
    });
  }
  for (const bars of chart.data) bars.name = say(bars.name);
  chart.layout.xaxis.title.text = say("mentions");
  const plot = element("div");
  $("chart").replaceChildren(plot);
  window.Plotly.newPlot(plot, chart.data, chart.layout, { responsive: true, displaylogo: false });
}

function download(results) {
  const lines = results.map(({ text, entities }) => `${JSON.stringify({ text, entities })}\n`);
  const link = element("a", "", say("download"));
  link.href = URL.createObjectURL(new Blob(lines, { type: "application/jsonl" }));
  link.download = "entities.jsonl";
  return element("p", "", link);
}

function card(result) {
  const box = element("article", "card");
  box.append(marked("text", result.html));
  box.append(result.entities.length ? table(result.entities) : element("p", "", say("none")));
  const explained = result.entities.filter((entity) => entity.explanation);
  if (explained.length) {
    const legend = ["for", "against"].map((side) => element("small", side, say(side)));
    box.append(element("h2", "", say("why"), ...legend));
  }
  box.append(...explained.map((entity) => why(result.text, entity)));
  if (result.readings) {
    const note = element("small", "", say("before"));
    box.append(element("h2", "", say("readings"), note), ...result.readings.map(reading));
  }
  return box;
}

function table(entities) {
  const head = ["entity", "sentiment", "scores", "certainty", "id"].map((key) => element("th", "", say(key)));
  const rows = entities.map((entity) => element(
    "tr", "",
    element("td", "", entity.text),
    element("td", "", element("span", `badge ${entity.sentiment}`, say(entity.sentiment))),
    element("td", "", scores(entity.scores)),
    element("td", "number", percent(entity.score)),
    element("td", "", element("small", "", entity.id)),
  ));
  return element("table", "", element("thead", "", element("tr", "", ...head)), element("tbody", "", ...rows));
}

const NAMES = { POS: "positive", NEU: "neutral", NEG: "negative" };

function scores(byLabel) {
  const bar = element("div", "bar");
  const labels = Object.keys(byLabel).sort((a, b) => byLabel[b] - byLabel[a]);
  bar.title = labels.map((label) => `${say(NAMES[label] ?? label)} ${percent(byLabel[label])}`).join(", ");
  for (const label of labels) {
    const part = element("i", NAMES[label] ?? "");
    part.style.width = `${100 * byLabel[label]}%`;
    bar.append(part);
  }
  return bar;
}

// The text with the entity underlined, and behind what moved its sentiment a colour.
function why(text, entity) {
  const chars = Array.from(text); // offsets count code points
  const runs = [...entity.explanation, { ...entity, weight: null }].sort((a, b) => a.start - b.start);
  const line = element("p", "why");
  let end = 0;
  for (const run of runs) {
    line.append(chars.slice(end, run.start).join(""));
    const part = element(run.weight === null ? "b" : "span", "", chars.slice(run.start, run.end).join(""));
    if (run.weight !== null) {
      part.className = run.weight > 0 ? "for" : "against";
      part.style.setProperty("--weight", Math.abs(run.weight));
      part.title = run.weight.toFixed(2);
    }
    line.append(part);
    end = run.end;
  }
  line.append(chars.slice(end).join(""), " ");
  if (!entity.explanation.length) line.append(element("small", "", `(${say("noReason")})`));
  return line;
}

function reading({ probability, html }) {
  const share = element("span", "number", percent(probability));
  return element("div", "reading", share, marked("", html));
}

function marked(className, html) {
  const text = element("div", className);
  text.innerHTML = html;
  return text;
}

function percent(share) {
  if (share < 0.0005 && share > 0) return "<0.1%";
  return `${(100 * share).toFixed(1)}%`;
}

function countEntries() {
  const lines = $("lexicon").value.split("\n").filter((line) => line.trim() && !line.startsWith("#"));
  const edited = $("lexicon").value === ownLexicon ? "" : `, ${say("edited")}`;
  $("entries").textContent = `(${lines.length} ${say("entries")}${edited})`;
}

$("run").onclick = analyse;
$("texts").onkeydown = (event) => {
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) analyse();
};
for (const radio of document.querySelectorAll("[name=mode]")) radio.onchange = () => again();
for (const id of ["explain", "readings", "lexicon"]) $(id).onchange = () => again();
$("lexicon").oninput = countEntries;
$("restore").onclick = () => {
  $("lexicon").value = ownLexicon;
  countEntries();
  again();
};
$("file").onchange = ({ target }) => {
  if (target.files.length) analyseFile(target.files[0]);
  target.value = "";
};
document.body.ondragover = (event) => { event.preventDefault(); $("drop").classList.add("over"); };
document.body.ondragleave = () => $("drop").classList.remove("over");
document.body.ondrop = (event) => {
  event.preventDefault();
  $("drop").classList.remove("over");
  if (event.dataTransfer.files.length) analyseFile(event.dataTransfer.files[0]);
};

const health = await ask("/health");
limits = health.limits;
$("about").textContent = health.pipeline;
$("readings").max = limits.readings;
document.querySelector(`[name=mode][value=${health.lexicon_mode}]`).checked = true;
// What a text area gives back has no carriage returns.
$("lexicon").value = await (await fetch("/lexicon")).text();
ownLexicon = $("lexicon").value;
countEntries();
$("texts").value = EXAMPLE;
await analyse();
