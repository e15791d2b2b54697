import { join } from 'node:path';
import { encodeCaseFile, type Profile } from '../case.ts';
import { writeAtomic } from '../store/atomic.ts';
import { bucketFileName, listCaseFiles, readCaseFile } from '../store/case-store.ts';
import { kindOfPath } from '../store/read.ts';
import { loadKnown } from '../store/known.ts';
import { loadReasons, reasonFor } from '../store/reasons.ts';
import type { Context } from './screen/context.ts';
import { EXIT, UserError } from '../user-error.ts';

/**
 * Turns findings into known deviations. A finding that still fails, is minimal, and has a reason in the reasons.json of
 * the corpus is copied to known/KERNEL/, or to known/KERNEL-on-MODULE/ if its module is not the kernel's usual one. A
 * finding without a reason is listed and sets exit code 1: a finding that is not understood is not known.
 */
export function promote({ stages, terminal }: Context, from: string, into: string): void {
  if (kindOfPath(from) !== 'folder')
    throw new UserError(`no folder ${from}: expected a folder of findings, such as reports/findings`);
  const reasons = loadReasons(into);
  const there = new Set(loadKnown(into).map((one) => `${one.case.profile.kernel}\n${one.bucket}`));
  let added = 0;
  const unexplained: string[] = [];
  for (const path of listCaseFiles(from)) {
    const { case: input, finding } = readCaseFile(path);
    if (finding === undefined || there.has(`${input.profile.kernel}\n${finding.bucket}`)) continue;
    if (finding.implementations !== undefined) {
      terminal.err(
        `${path}: skipped: found with ${finding.implementations.join(' and ')}, so it is not a deviation of a model\n`,
      );
      continue;
    }
    if (!stages.judge(input).violations.some(({ bucket }) => bucket === finding.bucket)) {
      terminal.err(`${path}: skipped: no longer fails in ${finding.bucket}\n`);
      continue;
    }
    if (!finding.minimal) {
      terminal.err(`${path}: skipped: not minimal yet (see: seamstress shrink)\n`);
      continue;
    }
    const reason = reasonFor(reasons, finding.bucket, input.profile.kernel);
    if (reason === undefined) {
      unexplained.push(`${finding.bucket} (kernel ${input.profile.kernel}): ${path}`);
      continue;
    }
    const known = {
      invariant: finding.invariant,
      bucket: finding.bucket,
      reason: reason.reason,
      source: reason.source,
    };
    writeAtomic(
      join(into, 'known', folderOf(stages, input.profile), bucketFileName(finding.bucket)),
      encodeCaseFile({ case: input, known }),
    );
    added += 1;
  }
  terminal.out(
    `${into}: ${added} promoted, ${unexplained.length} without a reason in reasons.json\n${unexplained.map((line) => `  ${line}\n`).join('')}`,
  );
  if (unexplained.length > 0) process.exitCode = EXIT.FINDING;
}

/** Its own folder for a deviation that needs another module than the usual one: no default campaign can find it. */
function folderOf({ defaultModule }: Context['stages'], { kernel, module }: Profile): string {
  return module === defaultModule(kernel) ? kernel : `${kernel}-on-${module}`;
}
