import { SEVERITIES } from '../../model/invariants/severity.ts';
import type { Cell, Matrix, Row } from './grid.ts';
import { SOURCES_LEGEND } from './sources.ts';

const MARK: Readonly<Record<Cell['status'], string>> = {
  present: '**yes**',
  absent: 'no',
  'not applicable': '–',
  unproven: '**?**',
};

/** The matrix as Markdown; a cell links to the smallest case behind it. `linkTo`: a path as seen from the page. */
export function renderMatrixMarkdown(matrix: Matrix, linkTo: (path: string) => string): string {
  const { kernels, rows, judged, fuzzed } = matrix;
  const differing = rows.flatMap((row) =>
    row.cells.filter(({ difference }) => difference !== '').map((cell) => ({ row, cell })),
  );
  return [
    '# Flaws against kernel revisions',
    '',
    `**yes**: a minimal case in \`corpus/known\` shows it, judged again for this page. no: no known case of any revision shows it here${fuzzed > 0 ? `, nor did ${fuzzed} generated ones` : ''}. –: not applicable. \\*: the sources say otherwise; see below. ${judged} cases judged.`,
    '',
    `| # | flaw | severity | ${kernels.join(' | ')} |`,
    `|--:|---|---|${kernels.map(() => '---').join('|')}|`,
    ...rows.map(
      (row) =>
        `| ${row.number} | ${escaped(row.name)} | ${row.severity} | ${row.cells.map((one) => cell(one, linkTo)).join(' | ')} |`,
    ),
    '',
    'Severity, worst first:',
    '',
    ...Object.entries(SEVERITIES).map(([name, meaning]) => `- \`${name}\`: ${escaped(meaning)}`),
    '',
    'In the sources:',
    '',
    ...SOURCES_LEGEND.map(({ term, meaning }) => `- *${escaped(term)}*: ${escaped(meaning)}`),
    '',
    '## What they are',
    '',
    ...rows.flatMap((row) => about(row)),
    ...(differing.length === 0 ? [] : ['## Where this matrix and the sources differ', '']),
    ...differing.map(
      ({ row, cell: { kernel, status, difference } }) =>
        `- **${row.number} ${escaped(row.name)}, ${kernel}**: ${status} here, ${status === 'absent' ? 'present' : 'not'} in the sources. ${escaped(difference)}.`,
    ),
    '',
  ].join('\n');
}

function cell({ status, cases, difference }: Cell, linkTo: (path: string) => string): string {
  const star = difference === '' ? '' : '\\*';
  const [first] = cases;
  return first === undefined ? `${MARK[status]}${star}` : `[${MARK[status]}](${linkTo(first.path)})${star}`;
}

function about({ number, name, severity, statement, source, shownBy, cells }: Row): string[] {
  const not = cells.filter(({ status }) => status === 'not applicable');
  return [
    `**${number} ${escaped(name)}** (${severity}). ${escaped(statement)} Source: ${escaped(source)}. Shown by ${shownBy.map((one) => `\`${one}\``).join(', ')}.${not.map(({ kernel, why }) => ` ${kernel}: not applicable, ${escaped(why)}.`).join('')}`,
    '',
  ];
}

function escaped(text: string): string {
  return text.replace(/[\\|*<>]/g, (one) => `\\${one}`);
}
