/** The looks of a report: by day, by night and on paper. */
export const REPORT_STYLE = `
:root { color-scheme: light dark; --ground: #fbfaf8; --card: #fff; --ink: #1d2327; --soft: #5b666e; --line: #dfdcd6; --accent: #1f6f5c;
  --critical: #b3261e; --warning: #9a6700; --notice: #2a6ac0; --ok: #1f6f5c;
  --series-1: #1f6f5c; --series-2: #2a6ac0; --series-3: #c98a1b; --series-4: #8c5aa8; --series-5: #b3564b; --series-6: #7a868d; }
@media (prefers-color-scheme: dark) { :root { --ground: #14181a; --card: #1b2124; --ink: #e7e5e1; --soft: #9aa5ab; --line: #30383c; --accent: #63c5ab;
  --critical: #ff8a80; --warning: #e3b341; --notice: #82b4ff; --ok: #63c5ab;
  --series-1: #4fb399; --series-2: #6ea3ee; --series-3: #e0ad4f; --series-4: #b88bd4; --series-5: #e08a80; --series-6: #8f9ba2; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--ground); color: var(--ink); font: 15px/1.5 system-ui, sans-serif; }
main { max-width: 70rem; margin: 0 auto; padding: 2.5rem 1.25rem 4rem; }
a { color: var(--accent); }
h1 { margin: 0; font-size: 1.8rem; letter-spacing: -0.02em; overflow-wrap: anywhere; }
h2 { margin: 2.75rem 0 0.9rem; font-size: 1.25rem; }
h3 { margin: 0; font-size: 1rem; }
h4 { margin: 1.1rem 0 0.3rem; font-size: 0.9rem; color: var(--soft); }
p { margin: 0.4rem 0; }
code, pre { font: 0.8125rem/1.5 ui-monospace, monospace; }
pre { margin: 0.6rem 0 0; padding: 0.65rem 0.85rem; overflow-x: auto; background: var(--ground); border: 1px solid var(--line); border-radius: 6px; }
.quiet { color: var(--soft); font-size: 0.875rem; }
header { display: flex; flex-wrap: wrap; gap: 1.5rem; align-items: center; }
header > div { flex: 1 1 22rem; min-width: 0; }
.grade { flex: none; display: grid; place-items: center; width: 6.5rem; height: 6.5rem; border-radius: 1.1rem; background: var(--mark, var(--soft)); color: var(--ground); font-size: 3.6rem; font-weight: 700; }
.A { --mark: var(--ok); } .B { --mark: var(--notice); } .C { --mark: var(--warning); } .D, .F { --mark: var(--critical); }
.areas { display: grid; grid-template-columns: repeat(auto-fill, minmax(11rem, 1fr)); gap: 0.5rem; margin: 1.75rem 0 0; padding: 0; list-style: none; }
.areas a { display: flex; justify-content: space-between; align-items: center; padding: 0.45rem 0.8rem; background: var(--card); border: 1px solid var(--line); border-left: 4px solid var(--mark); border-radius: 6px; color: inherit; text-decoration: none; }
.areas b { color: var(--mark); }
.finding { padding: 0.9rem 1.1rem; background: var(--card); border: 1px solid var(--line); border-left: 4px solid var(--tone); border-radius: 6px; break-inside: avoid; }
.finding + .finding { margin-top: 0.7rem; }
.critical { --tone: var(--critical); } .warning { --tone: var(--warning); } .notice { --tone: var(--notice); } .ok { --tone: var(--ok); }
.severity { margin-right: 0.4rem; color: var(--tone); font-size: 0.72rem; font-weight: 700; letter-spacing: 0.05em; text-transform: uppercase; }
.about { display: flex; flex-wrap: wrap; gap: 0.25rem 1rem; font-size: 0.875rem; overflow-wrap: anywhere; }
dl { display: flex; flex-wrap: wrap; gap: 0.2rem 1.3rem; margin: 0.5rem 0 0; font-size: 0.875rem; }
dl div { display: flex; gap: 0.4rem; min-width: 0; }
dt { color: var(--soft); } dd { margin: 0; font-variant-numeric: tabular-nums; overflow-wrap: anywhere; }
.why { font-size: 0.8125rem; }
details { margin-top: 0.6rem; background: var(--card); border: 1px solid var(--line); border-radius: 6px; }
summary { display: flex; flex-wrap: wrap; gap: 0.75rem; align-items: baseline; padding: 0.7rem 1.1rem; cursor: pointer; }
summary::before { content: "▸"; color: var(--soft); } details[open] > summary::before { content: "▾"; }
summary code { color: var(--soft); }
details > :not(summary) { margin-left: 1.1rem; margin-right: 1.1rem; } details > :last-child { margin-bottom: 1.1rem; }
.scroll { margin-top: 0.6rem; overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-size: 0.8125rem; }
th, td { padding: 0.3rem 0.7rem 0.3rem 0; text-align: left; vertical-align: top; border-bottom: 1px solid var(--line); }
th { color: var(--soft); font-weight: 600; white-space: nowrap; }
.js th { cursor: pointer; } th[aria-sort="ascending"]::after { content: " ↑"; } th[aria-sort="descending"]::after { content: " ↓"; }
.number { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
.text { min-width: 20rem; max-width: 34rem; overflow-wrap: anywhere; }
.chart { margin: 0.8rem 0 0; } .chart svg { display: block; width: 100%; max-width: 860px; height: auto; }
figcaption { display: flex; gap: 1rem; color: var(--soft); font-size: 0.8125rem; }
figcaption i { display: inline-block; width: 0.7rem; height: 0.7rem; margin-right: 0.35rem; border-radius: 2px; background: var(--swatch); }
.series-1 { --swatch: var(--series-1); } .series-2 { --swatch: var(--series-2); } .series-3 { --swatch: var(--series-3); }
.series-4 { --swatch: var(--series-4); } .series-5 { --swatch: var(--series-5); } .series-6 { --swatch: var(--series-6); }
.gaps li { margin-bottom: 0.6rem; }
footer { margin-top: 3rem; padding-top: 1rem; border-top: 1px solid var(--line); color: var(--soft); font-size: 0.8125rem; }
@page { size: A4 landscape; margin: 12mm; }
@media print {
  :root { color-scheme: light; --ground: #fff; --card: #fff; --ink: #000; --soft: #444; --line: #ccc; --accent: #1f6f5c; --critical: #b3261e; --warning: #7a5200; --notice: #1f55a0; --ok: #1f6f5c; }
  body { font-size: 10pt; } main { max-width: none; padding: 0; } h2 { break-after: avoid; }
  details::details-content { content-visibility: visible; display: block; } summary::before { content: "" !important; }
  pre, td { white-space: pre-wrap; overflow-wrap: anywhere; } .scroll { overflow: visible; } table { font-size: 7pt; } .text { min-width: 0; }
  .grade { print-color-adjust: exact; }
}
`;
