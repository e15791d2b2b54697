import { STATUS, type StatusName, statusDetails, statusName } from '../../model/abi/status.ts';
import { formatU64, highHalf, parseU64, type U64 } from '../../model/abi/u64.ts';
import { counted } from '../text.ts';
import type { Entry, Evidence, Fact, SuiteAnswer } from './entry.ts';
import { kernelsOf, smallestCase } from './evidence.ts';
import { SOFTWARE_STATUS, type SoftwareStatus } from './software-status.ts';
import { STATUS_MEANING } from './status-meaning.ts';

/** Name of the module's or the host's status that a name or a 64-bit value in hexadecimal means; `undefined` for none. */
export function findStatus(text: string): string | undefined {
  const upper = text.toUpperCase();
  if (upper in STATUS) return upper;
  const software = SOFTWARE_STATUS.find(({ name }) => name.toUpperCase() === upper);
  if (software !== undefined) return software.name;
  const value = /^0x[0-9a-f]{1,16}$/i.test(text) ? parseU64(text.toLowerCase()) : undefined;
  if (value === undefined || (typeof value === 'number' && value < 2 ** 32)) return undefined;
  return SOFTWARE_STATUS.find(({ code }) => code === value)?.name ?? statusName(value);
}

/** A status; `undefined` for a name of none. `value`: the RAX in question, where its details are to be shown. */
export function statusEntry(name: string, evidence: Evidence, value?: U64): Entry | undefined {
  const software = SOFTWARE_STATUS.find((one) => one.name === name);
  if (software !== undefined) return softwareEntry(software, evidence);
  if (!(name in STATUS)) return undefined;
  const code = STATUS[name as StatusName];
  const { meaning, details, causes, remedy } = STATUS_MEANING[name as StatusName];
  const answers = evidence.answers.filter((one) => one.status === name);
  const known = evidence.known.filter(({ bucket }) => bucket.split('|').includes(name));
  const [shortest] = [...answers].sort((a, b) => a.steps - b.steps);
  return {
    kind: 'status',
    name,
    what: meaning,
    why: causes,
    facts: [
      { label: 'code', text: formatU64(code) },
      { label: 'class', text: classText(code) },
      ...(details === null ? [] : [{ label: 'details', text: `bits 31:0: ${details}` }]),
      ...(value === undefined || statusDetails(value) === 0
        ? []
        : [{ label: 'here', text: `details ${formatU64(statusDetails(value))}` }]),
      ...(remedy === null ? [] : [{ label: 'remedy', text: remedy }]),
      ...leavesText(answers),
    ],
    source: 'TDX Module ABI specification, table "Function Completion Status Codes"',
    brokenBy: kernelsOf(known),
    case:
      smallestCase(known, evidence) ??
      (shortest === undefined
        ? null
        : {
            file: shortest.file,
            text: `${counted(shortest.steps, 'SEAMCALL')}, case '${shortest.id}'`,
            command: `npx seamstress check-trace ${shortest.file}`,
          }),
  };
}

function softwareEntry({ name, code, meaning, causes, remedy, source }: SoftwareStatus, evidence: Evidence): Entry {
  const trap = /#\w+|VMfailInvalid/.exec(name)?.[0] ?? name;
  const known = evidence.known.filter(({ bucket }) => bucket.split('|').includes(trap));
  return {
    kind: 'status',
    name,
    what: meaning,
    why: causes,
    facts: [{ label: 'code', text: formatU64(code) }, ...(remedy === null ? [] : [{ label: 'remedy', text: remedy }])],
    source,
    brokenBy: kernelsOf(known),
    case: smallestCase(known, evidence),
  };
}

/** What bits 63 to 61 say. */
function classText(code: U64): string {
  const high = highHalf(code);
  const isError = high >= 0x80000000;
  if (!isError && (high & 0x40000000) === 0) return 'no error';
  const parts = [
    isError ? 'error' : 'no error',
    (high & 0x40000000) !== 0
      ? 'not recoverable: repeating the call alone does not help'
      : 'recoverable: the call may succeed when repeated',
    ...((high & 0x20000000) !== 0 ? ['fatal: the TD is dead'] : []),
  ];
  return parts.join(', ');
}

function leavesText(answers: readonly SuiteAnswer[]): readonly Fact[] {
  const leaves = [...new Set(answers.map(({ leaf }) => leaf))].sort();
  return leaves.length === 0 ? [] : [{ label: 'from', text: leaves.join(', ') }];
}
