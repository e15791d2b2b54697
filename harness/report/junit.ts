import { sourceLines } from '../describe/source-text.ts';
import { createRequire } from 'node:module';
import type { Builder } from 'junit-report-builder';
import { SEVERITIES } from '../../model/invariants/severity.ts';
import type { CampaignRecord, Minimal } from '../campaign/record.ts';
import { isSeen, sortRecords } from './summary.ts';

const require = createRequire(import.meta.url);

/**
 * JUnit XML: one test case per judged invariant (failed if a finding breaks it) and per `sometimes` (failed if overdue,
 * skipped if it has budget left). Known deviations are in the output of a passed test.
 */
export function renderJUnit(records: readonly CampaignRecord[]): string {
  const { header, footer, minimal, known } = sortRecords(records);
  // CommonJS with the declarations of an ES module, so a default import has the wrong type. Loaded only here: it is big.
  const report = (require('junit-report-builder') as Builder).newBuilder();
  const name = `seamstress ${header.profile.kernel} on ${header.profile.module}`;
  const suite = report
    .testSuite()
    .name(`${name}, invariants`)
    .time(footer.timing?.seconds ?? 0);
  suite.property('seed', clean(header.seed)).property('cases', String(footer.cases)).property('shard', header.shard);
  const broken = minimal.map(({ invariant }) => invariant);
  for (const invariant of [...new Set([...header.invariants, ...broken])].sort()) {
    const test = suite.testCase().className(`seamstress.${header.profile.kernel}`).name(invariant);
    const failures = minimal.filter((finding) => finding.invariant === invariant);
    const [first] = failures;
    if (first !== undefined)
      test
        .failure(clean(`breaks ${invariant}: ${first.message}`), first.rule.severity)
        .stacktrace(failures.map(describeFailure).join('\n\n'));
    const notes = known.filter((one) => one.invariant === invariant && isSeen(one));
    if (notes.length > 0)
      test.standardOutput(
        clean(notes.map(({ bucket, reason, source }) => `known: ${bucket}: ${reason} (${source})`).join('\n')),
      );
  }
  const { reached, unreached, overdue } = footer.sometimes;
  const reach = report.testSuite().name(`${name}, sometimes`);
  for (const id of [...reached, ...unreached].sort()) {
    const test = reach.testCase().className(`seamstress.${header.profile.kernel}.sometimes`).name(id);
    if (overdue.includes(id)) test.failure('not reached within its budget of cases', 'inconclusive');
    else if (unreached.includes(id)) test.skipped();
  }
  if (footer.crash !== null) {
    report
      .testSuite()
      .name(name)
      .testCase()
      .className('seamstress')
      .name('harness')
      .error(clean(footer.crash.origin), 'internal', clean(footer.crash.stack));
  }
  return report.build();
}

function describeFailure({ invariant, bucket, message, machine, trace, broken, replay, rule }: Minimal): string {
  return clean(
    [
      `breaks ${invariant}: ${message}`,
      `severity ${rule.severity} (worst case of the rule): ${SEVERITIES[rule.severity]}`,
      `rule     ${rule.statement}`,
      ...sourceLines(rule.source).map((line, index) => `${index === 0 ? 'source' : '      '}   ${line}`),
      `bucket   ${bucket}`,
      ...machine,
      ...trace.map((line, index) => `${index === broken ? '>' : ' '} ${line}`),
      replay,
    ].join('\n'),
  );
}

/** XML cannot represent most control characters, and `]]>` ends a CDATA section. */
function clean(text: string): string {
  const legal = Array.from(text, (character) => (character >= ' ' || '\t\n\r'.includes(character) ? character : '?'));
  return legal.join('').replaceAll(']]>', ']] >');
}
