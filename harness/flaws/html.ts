import { SEVERITIES } from '../../model/invariants/severity.ts';
import type { Cell, Matrix, Row } from './grid.ts';
import { SOURCES_LEGEND } from './sources.ts';
import { STYLE } from './style.ts';

const TRACE_LINES = 60;

const MARK: Readonly<Record<Cell['status'], { readonly sign: string; readonly className: string }>> = {
  present: { sign: '●', className: 'present' },
  absent: { sign: '○', className: 'absent' },
  'not applicable': { sign: '–', className: 'not' },
  unproven: { sign: '?', className: 'unproven' },
};

/**
 * The matrix as one page that needs nothing beside it: no script, no network. Every cell says its state in words to those
 * who do not see the signs, and links to the case behind it. `traceOf`: a case's run as text, by its path.
 */
export function renderMatrixHTML(
  matrix: Matrix,
  traceOf: (path: string) => readonly string[],
  linkTo: (path: string) => string,
): string {
  const { kernels, rows, judged, fuzzed } = matrix;
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>seamstress: flaws against kernel revisions</title>
<style>${STYLE}</style>
</head>
<body>
<a class="skip" href="#matrix">To the matrix</a>
<header>
<h1>Flaws against kernel revisions</h1>
<p>${rows.length} flaws of the way from BIOS to initialised TDX, ${kernels.length} kernel revisions, ${judged} cases judged for this page${fuzzed > 0 ? `, ${fuzzed} of them per revision generated` : ''}. Every ● is a minimal case that replays.</p>
${legend()}
</header>
<main>
<div class="scroll" role="region" aria-labelledby="caption" tabindex="0">
<table id="matrix">
<caption id="caption">Rows are flaws, columns kernel revisions, oldest first</caption>
<thead><tr><th scope="col" class="number">#</th><th scope="col">flaw</th><th scope="col">severity</th>${kernels.map((kernel) => `<th scope="col">${text(kernel)}</th>`).join('')}</tr></thead>
<tbody>
${rows.map((row) => tableRow(row)).join('\n')}
</tbody>
<tfoot><tr><td></td><th scope="row">present</th><td></td>${kernels.map((_, at) => `<td>${rows.filter(({ cells }) => cells[at]?.status === 'present').length}</td>`).join('')}</tr></tfoot>
</table>
</div>
<h2>How to read it</h2>
<h3>Severity, worst first</h3>
${terms(Object.entries(SEVERITIES).map(([term, meaning]) => ({ term, meaning })))}
<h3>In the sources</h3>
${terms(SOURCES_LEGEND)}
<h2>Flaw by flaw</h2>
${rows.map((row) => section(row, traceOf, linkTo)).join('\n')}
</main>
</body>
</html>
`;
}

function legend(): string {
  const entry = (status: Cell['status'], words: string): string =>
    `<li><span class="cell ${MARK[status].className}" aria-hidden="true">${MARK[status].sign}</span> ${words}</li>`;
  return `<ul class="legend">${entry('present', 'present: a minimal case shows it')}${entry('absent', 'absent: no case that shows it elsewhere does so here')}${entry('not applicable', 'not applicable')}${entry('unproven', 'shown, but no minimal case is kept yet')}<li><span class="cell" aria-hidden="true">*</span> the sources say otherwise; the flaw's section says why</li></ul>`;
}

function terms(entries: readonly { readonly term: string; readonly meaning: string }[]): string {
  return `<dl>${entries.map(({ term, meaning }) => `<dt>${text(term)}</dt><dd>${text(meaning)}</dd>`).join('')}</dl>`;
}

function tableRow(row: Row): string {
  return `<tr><td class="number">${row.number}</td><th scope="row"><a href="#flaw-${row.number}">${text(row.name)}</a></th><td title="${text(SEVERITIES[row.severity])}">${row.severity}</td>${row.cells.map((cell) => tableCell(row, cell)).join('')}</tr>`;
}

function tableCell({ number }: Row, { kernel, status, difference, cases }: Cell): string {
  const { sign, className } = MARK[status];
  const star = difference === '' ? '' : '<sup aria-hidden="true">*</sup>';
  const words = `${status}${difference === '' ? '' : ', the sources say otherwise'}`;
  const inner = `<span aria-hidden="true">${sign}</span>${star}<span class="words">${words}</span>`;
  return `<td class="cell ${className}" title="${text(`${kernel}: ${words}`)}">${cases.length > 0 ? `<a href="#${idOf(number, kernel)}">${inner}</a>` : inner}</td>`;
}

function section(
  { number, name, severity, statement, source, shownBy, cells }: Row,
  traceOf: (path: string) => readonly string[],
  linkTo: (path: string) => string,
): string {
  const reasons = cells.flatMap(({ kernel, status, why, difference }) => [
    ...(why === '' ? [] : [`<li><strong>${text(kernel)}</strong>, ${status}: ${text(why)}.</li>`]),
    ...(difference === ''
      ? []
      : [`<li><strong>${text(kernel)}</strong>, ${status}, unlike in the sources: ${text(difference)}.</li>`]),
  ]);
  return `<section id="flaw-${number}" aria-labelledby="title-${number}">
<h3 id="title-${number}">${number} ${text(name)}</h3>
<p>${text(statement)} Severity: ${severity}.</p>
<p class="source">Source: ${text(source)}. Shown by ${shownBy.map((one) => `<code>${text(one)}</code>`).join(', ')}.</p>
${reasons.length === 0 ? '' : `<ul>${reasons.join('')}</ul>`}
${cells
  .filter(({ cases }) => cases.length > 0)
  .map((cell) => evidence(number, cell, traceOf, linkTo))
  .join('\n')}
</section>`;
}

/** The smallest case of a cell with its run, and the names of the others. The anchor is inside: browsers then open what is closed. */
function evidence(
  number: number,
  { kernel, cases }: Cell,
  traceOf: (path: string) => readonly string[],
  linkTo: (path: string) => string,
): string {
  const [first, ...others] = cases;
  if (first === undefined) return '';
  const trace = traceOf(first.path);
  const more = trace.length > TRACE_LINES ? [`... ${trace.length - TRACE_LINES} more lines in the replay`] : [];
  return `<details><summary><strong>${text(kernel)}</strong> ${text(first.bucket)}, ${first.events} ${first.events === 1 ? 'event' : 'events'}, module ${text(first.module)}</summary>
<pre id="${idOf(number, kernel)}" tabindex="0">${text([...trace.slice(0, TRACE_LINES), ...more].join('\n'))}</pre>
<p><a href="${text(linkTo(first.path))}">case file</a> <code>${text(first.replay)}</code></p>
${others.length === 0 ? '' : `<p>Also: ${others.map((one) => `<a href="${text(linkTo(one.path))}">${text(one.bucket)}</a>`).join(', ')}</p>`}
</details>`;
}

function idOf(number: number, kernel: string): string {
  return `flaw-${number}-${kernel}`;
}

const ESCAPES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };

function text(value: string): string {
  return value.replace(/[&<>"]/g, (one) => ESCAPES[one] ?? one);
}
