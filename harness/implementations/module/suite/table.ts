import type { LeafName } from '../../../../model/abi/leaf-number.ts';
import type { StatusName } from '../../../../model/abi/status.ts';
import type { Reached } from './reach.ts';
import { declaredStatuses, LEAF_COLUMNS, STATUS_ROWS, UNREACHABLE } from './reach.ts';

/**
 * Leaf by status as a Markdown table: how many different answers (details) the suite reaches, a letter where the
 * specification lists a status that no call can get, nothing where the leaf has no such check. The letters are
 * explained below the table.
 */
export function renderMatrix(reached: readonly Reached[]): string {
  const counts = new Map<string, number>();
  for (const { leaf, status } of reached) counts.set(`${leaf} ${status}`, (counts.get(`${leaf} ${status}`) ?? 0) + 1);
  const rows = STATUS_ROWS.filter((status) => LEAF_COLUMNS.some((leaf) => cell(counts, leaf, status) !== ''));
  const never = STATUS_ROWS.filter((status) => !rows.includes(status));
  const lines = [
    `| | ${LEAF_COLUMNS.map((leaf) => leaf.replace('TDH.', '')).join(' | ')} |`,
    `|---|${LEAF_COLUMNS.map(() => '---').join('|')}|`,
    ...rows.map((status) => `| ${status} | ${LEAF_COLUMNS.map((leaf) => cell(counts, leaf, status)).join(' | ')} |`),
    '',
    'A number: answers with this status that the suite reaches, told apart by their details (`fatal`: the module shuts itself',
    'down). `RAX`: numbers no leaf of the model has. `!`: declared and not reached, which a test forbids. Unreachable:',
    '',
    ...UNREACHABLE.map(
      ({ leaves, status, why }, index) => `- ${letter(index)}: ${status} from ${leaves.join(', ')}: ${why}.`,
    ),
    '- Empty in the row TDX_SYS_NOT_READY: the dispatcher lets the leaf through in every state before READY.',
    '- Empty in the row TDX_SYS_SHUTDOWN: TDH.SYS.LP.SHUTDOWN succeeds even then.',
    '- Everything else that is empty: the leaf makes no such check.',
    '',
    `No leaf of the model answers any of these, they belong to leaves it does not have: ${never.join(', ')}.`,
  ];
  return `${lines.join('\n')}\n`;
}

function cell(counts: ReadonlyMap<string, number>, leaf: LeafName | 'RAX', status: StatusName | 'fatal'): string {
  const count = counts.get(`${leaf} ${status}`);
  if (count !== undefined) return String(count);
  const index = UNREACHABLE.findIndex(
    (one) => one.status === status && (one.leaves as readonly string[]).includes(leaf),
  );
  if (index >= 0) return letter(index);
  return declaredStatuses().get(leaf)?.has(status) === true ? '!' : '';
}

function letter(index: number): string {
  return String.fromCharCode(97 + index);
}
