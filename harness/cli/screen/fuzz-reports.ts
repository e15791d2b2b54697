import { join } from 'node:path';
import type { CampaignRecord } from '../../campaign/record.ts';
import { renderJUnit } from '../../report/junit.ts';
import { renderMarkdown } from '../../report/markdown.ts';
import { summarise } from '../../report/summary.ts';
import { writeAtomic } from '../../store/atomic.ts';

/** Reports by their name in `--reporter`: the ending of the file, and its content. */
const FORMATS = {
  json: {
    ending: 'json',
    render: (records: readonly CampaignRecord[]) => `${JSON.stringify(summarise(records), null, 2)}\n`,
  },
  junit: { ending: 'xml', render: renderJUnit },
  markdown: { ending: 'md', render: (records: readonly CampaignRecord[]) => renderMarkdown(records) },
} as const;

export type Reporter = keyof typeof FORMATS;

export const REPORTERS = Object.keys(FORMATS) as readonly Reporter[];

/** Writes the reports of `reporters` to `folder`, each whole or not at all. */
export function writeReports(
  folder: string,
  name: string,
  records: readonly CampaignRecord[],
  reporters: readonly Reporter[],
): void {
  for (const reporter of reporters) {
    const { ending, render } = FORMATS[reporter];
    writeAtomic(join(folder, `${name}.${ending}`), render(records));
  }
}
