import { createRequire } from 'node:module';
import type { Builder } from 'junit-report-builder';
import type { ConformReport, ModuleFinding, ImplementationReport, RequirementResult } from './report.ts';
import { countResults, RESULTS } from './report-screen.ts';
import { DEFECTS } from './defect.ts';

const require = createRequire(import.meta.url);

/** Every requirement that some implementation was asked for, in order. */
function requirementsOf({ implementations }: ConformReport): readonly string[] {
  return [...new Set(implementations.flatMap(({ requirements }) => Object.keys(requirements)))].sort();
}

function resultOf({ requirements }: ImplementationReport, key: string): RequirementResult['result'] {
  return requirements[key]?.result ?? 'untested';
}

/** GitHub refuses step summaries of more than 1 MiB. Characters. */
const LENGTH_MAX = 900_000;

/** The matrix requirement x implementation, and the findings, as Markdown. */
export function renderConformMarkdown(report: ConformReport): string {
  const { implementations, module, seed } = report;
  const lines = [`## seamstress: conformance to TDX module ${module}`, '', `seed \`${seed}\``, ''];
  for (const one of implementations) lines.push(...findingsMarkdown(one));
  const columns = implementations.map(({ identity }) => cell(`${identity.name} ${identity.version}`));
  lines.push(
    '### Requirements',
    '',
    `| requirement | ${columns.join(' | ')} |`,
    `|---|${columns.map(() => '---').join('|')}|`,
  );
  for (const key of requirementsOf(report))
    lines.push(`| ${cell(key)} | ${implementations.map((one) => MARKS[resultOf(one, key)]).join(' | ')} |`);
  const text = `${lines.join('\n')}\n`;
  return text.length <= LENGTH_MAX ? text : `${text.slice(0, LENGTH_MAX)}\n\n(truncated)\n`;
}

const MARKS = { pass: 'pass', fail: '**FAIL**', unsupported: 'unsupported', untested: 'untested' } as const;

function findingsMarkdown({ identity, findings, exhausted }: ImplementationReport): string[] {
  const lines = [`### ${identity.name} ${identity.version}`, ''];
  if (exhausted !== null) lines.push(`could not be run to the end: ${exhausted}`, '');
  if (findings.length === 0) lines.push('No finding.', '');
  for (const finding of findings)
    lines.push(
      `- **${finding.verdict}**: ${finding.message}`,
      '',
      '  ```json',
      `  ${JSON.stringify(finding.case)}`,
      '  ```',
      '',
    );
  return lines;
}

function cell(text: string): string {
  return text.replaceAll('|', '\\|').replace(/\s+/g, ' ');
}

/** JUnit XML: a suite per implementation, a test case per requirement, and one per finding that belongs to none. */
export function renderConformJUnit(report: ConformReport): string {
  // CommonJS with the declarations of an ES module, so a default import has the wrong type.
  const builder = (require('junit-report-builder') as Builder).newBuilder();
  const keys = requirementsOf(report);
  for (const one of report.implementations) {
    const name = `${one.identity.name} ${one.identity.version}`;
    const suite = builder.testSuite().name(clean(name));
    suite.property('seed', clean(report.seed)).property('module', report.module).property('level', one.level);
    const told = new Set<ModuleFinding>();
    for (const key of keys) {
      const test = suite.testCase().className(clean(one.identity.name)).name(key);
      const { result = 'untested', bucket = null } = one.requirements[key] ?? {};
      if (result === 'unsupported' || result === 'untested') test.skipped();
      if (result !== 'fail') continue;
      const finding = one.findings.find((candidate) => candidate.bucket === bucket);
      if (finding !== undefined) told.add(finding);
      test
        .failure(clean(finding?.message ?? 'not answered as required'), finding?.verdict ?? 'wrong')
        .stacktrace(detail(finding));
    }
    for (const finding of one.findings) {
      if (told.has(finding)) continue;
      const test = suite.testCase().className(clean(one.identity.name)).name(clean(finding.bucket));
      test.failure(clean(finding.message), finding.verdict).stacktrace(detail(finding));
    }
    if (one.exhausted !== null)
      suite
        .testCase()
        .className(clean(one.identity.name))
        .name('runs to the end')
        .error(clean(one.exhausted), 'cannot-run');
  }
  return builder.build();
}

function detail(finding: ModuleFinding | undefined): string {
  return finding === undefined
    ? ''
    : clean([finding.message, DEFECTS[finding.verdict], JSON.stringify(finding.case), finding.stderr].join('\n'));
}

/** XML has no way to write most control characters, and a CDATA section ends at its own end mark. */
function clean(text: string): string {
  const legal = Array.from(text, (character) => (character >= ' ' || '\t\n\r'.includes(character) ? character : '?'));
  return legal.join('').replaceAll(']]>', ']] >');
}

/** One offline page: the matrix in words and colour, each failure with its smallest case. No script, nothing fetched. */
export function renderConformHTML(report: ConformReport): string {
  const { implementations, module, seed, version } = report;
  const title = `Conformance to TDX module ${module}`;
  const sections = implementations.map((one, at) => {
    const counts = countResults(Object.values(one.requirements));
    const summary = RESULTS.map((name) => `<span class="${name}">${counts[name]} ${name}</span>`).join(' ');
    const findings = one.findings.map(
      (
        finding,
        index,
      ) => `<details id="f${at}-${index}"><summary><b>${finding.verdict}</b> ${html(finding.message)}</summary>
<p>${DEFECTS[finding.verdict]}; ${finding.hits} ${finding.hits === 1 ? 'case' : 'cases'}${finding.minimal ? ', minimal' : ''}</p>
<pre>${html(JSON.stringify(finding.case, null, 1))}</pre>${finding.stderr === '' ? '' : `<h4>stderr</h4><pre>${html(finding.stderr)}</pre>`}</details>`,
    );
    const end = one.exhausted === null ? '' : `<p class="fail">could not be run to the end: ${html(one.exhausted)}</p>`;
    return `<section><h2>${html(one.identity.name)} ${html(one.identity.version)}</h2><p>${summary}</p>${end}${findings.join('\n') || '<p>No finding.</p>'}</section>`;
  });
  const head = implementations.map(({ identity }) => `<th scope="col">${html(identity.name)}</th>`).join('');
  const rows = requirementsOf(report).map((key) => {
    const cells = implementations.map((one, at) => {
      const result = resultOf(one, key);
      const index = one.findings.findIndex(({ bucket }) => bucket === one.requirements[key]?.bucket);
      return `<td class="${result}">${index >= 0 ? `<a href="#f${at}-${index}">${result}</a>` : result}</td>`;
    });
    return `<tr><th scope="row">${html(key)}</th>${cells.join('')}</tr>`;
  });
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>${html(title)}</title>
<style>
:root{color-scheme:light dark}body{font:15px/1.5 system-ui,sans-serif;max-width:75rem;margin:2rem auto;padding:0 1rem}
pre{overflow:auto;font-size:.85em}table{border-collapse:collapse}th,td{padding:.15rem .6rem;text-align:left;border-bottom:1px solid #8884}
th[scope=row]{font:13px ui-monospace,monospace}.pass{color:#1a7f37}.fail,.fail a{color:#cf222e;font-weight:600}.unsupported,.untested{color:#767676}
details{margin:.3rem 0}summary{cursor:pointer}
@media (prefers-color-scheme:dark){.pass{color:#3fb950}.fail,.fail a{color:#ff7b72}.unsupported,.untested{color:#9a9a9a}}
</style></head><body><main><h1>${html(title)}</h1><p>seamstress ${html(version)}, seed ${html(seed)}</p>
${sections.join('\n')}
<h2>Requirements</h2><table><thead><tr><th scope="col">leaf, status, details</th>${head}</tr></thead><tbody>
${rows.join('\n')}
</tbody></table></main></body></html>
`;
}

function html(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');
}
