import { sourceLines } from '../describe/source-text.ts';
import { SEVERITIES } from '../../model/invariants/severity.ts';
import { bucketText } from '../describe/bucket-text.ts';
import { counted } from '../text.ts';
import type { CampaignRecord } from '../campaign/record.ts';
import { grouped } from './console.ts';
import { fixedOf, groupByCase, isSeen, type Shown, sortRecords } from './summary.ts';

/** GitHub refuses step summaries of more than 1 MiB; findings beyond this many characters are counted, not shown. */
const LENGTH_MAX = 900_000;

/** A campaign as Markdown, for a job summary or a comment. */
export function renderMarkdown(records: readonly CampaignRecord[], lengthMax = LENGTH_MAX): string {
  const { header, footer, minimal, known } = sortRecords(records);
  const { kernel, module } = header.profile;
  const seen = known.filter(isSeen);
  const fixed = fixedOf(known);
  const head = [
    `## seamstress: Linux ${kernel} on TDX module ${module}`,
    '',
    `**${verdict(footer.exitCode, minimal.length)}** · seed \`${header.seed}\` · ${counted(footer.cases, 'case', grouped(footer.cases))} · ${counted(footer.seamcalls, 'SEAMCALL', grouped(footer.seamcalls))} · ${counted(footer.edges, 'edge', grouped(footer.edges))}`,
    '',
  ];
  const tail = [
    ...(seen.length > 0
      ? ['### Known deviations', '', '| breaks | why | source | severity | cases |', '|---|---|---|---|---|']
      : []),
    ...seen.map(
      ({ invariant, reason, source, hits, rule }) =>
        `| ${cell(invariant)} | ${cell(reason)} | ${cell(source)} | ${rule.severity} | ${hits} |`,
    ),
    ...(seen.length > 0 ? [''] : []),
    ...fixed.map(
      ({ bucket, cases }) =>
        `- fixed there: \`${bucket}\`, in ${counted(cases, 'case', grouped(cases))} that the model fails`,
    ),
    ...footer.stale
      .filter((bucket) => !fixed.some((one) => one.bucket === bucket))
      .map((bucket) =>
        header.implementations === undefined
          ? `- stale: \`${bucket}\` is no longer reproduced`
          : `- not seen there: \`${bucket}\``,
      ),
    ...footer.sometimes.overdue.map((id) => `- never reached: \`${id}\``),
    '',
  ].join('\n');
  const blocks: string[] = [];
  let length = head.join('\n').length + tail.length;
  let left = minimal.length;
  for (const group of groupByCase(minimal)) {
    const block = groupBlock(group);
    length += block.length;
    if (length > lengthMax) break;
    blocks.push(block);
    left -= 1 + group.others.length;
  }
  const more = left > 0 ? [`_${left} more findings left out here; the JSON summary has all._`, ''] : [];
  return [...head, ...blocks, ...more, tail].join('\n');
}

function verdict(exitCode: number, findings: number): string {
  if (findings > 0) return `${findings} ${findings === 1 ? 'finding' : 'findings'}`;
  return exitCode === 0 ? 'ok' : `exit ${exitCode}`;
}

function groupBlock({ finding, others }: Shown): string {
  const { invariant, message, bucket, events, minimal, machine, trace, broken, replay, rule } = finding;
  const run = trace.map((line, index) => `${index === broken ? '>' : ' '} ${line}`);
  const words = bucketText(bucket);
  return [
    `### Breaks ${invariant}`,
    '',
    message,
    '',
    `- **Rule**: ${rule.statement}`,
    `- **Severity**: ${rule.severity}, in the worst case of the rule (${SEVERITIES[rule.severity]})`,
    `- **Source**: ${sourceLines(rule.source).join(' ')}`,
    '',
    fenced([...machine, '', ...run, '', replay]),
    '',
    `${counted(events, 'event')}${minimal ? ', 1-minimal' : ''} · bucket \`${bucket}\`${words === '' ? '' : ` (${words})`}`,
    '',
    ...others.map(
      (other) =>
        `- the same case breaks **${other.invariant}** (${other.rule.severity}): ${other.message} · ${other.rule.statement} · bucket \`${other.bucket}\``,
    ),
    ...(others.length > 0 ? [''] : []),
  ].join('\n');
}

/** A fence longer than any run of backticks inside. */
function fenced(lines: readonly string[]): string {
  const longest = Math.max(2, ...lines.flatMap((line) => line.match(/`+/g) ?? []).map((run) => run.length));
  const fence = '`'.repeat(longest + 1);
  return [fence, ...lines, fence].join('\n');
}

function cell(text: string): string {
  return text.replaceAll('\\', '\\\\').replaceAll('|', '\\|').replaceAll('\n', ' ');
}
