import { MAILS } from '../../model/sources.ts';
import { FLAWS } from './flaws.ts';

/** What a reader of the matrix meets in its sources: the words, what they stand for, where each mail is. Plain text. */
export const SOURCES_LEGEND: readonly { readonly term: string; readonly meaning: string }[] = [
  {
    term: 'the list, the sources',
    meaning:
      'the list of flaws that this table began with: the numbers below 64, and which revisions are said to have a flaw, come from it',
  },
  {
    term: 'v7 10/20',
    meaning:
      'patch 10 of 20 of version 7 of "TDX host kernel support", the series that became Linux 6.8; with a name and a date, an answer to it',
  },
  ...MAILS.filter(({ cite }) => FLAWS.some(({ source }) => source.includes(cite))).map(({ cite, subject, id }) => ({
    term: cite,
    meaning: `${cite.startsWith('"') ? '' : `"${subject}", `}${id === null ? 'archived copy, no public address' : `https://lore.kernel.org/r/${id}`}`,
  })),
  {
    term: 'recording 6.12-demos, line 33',
    meaning:
      'line 33, counted from 1, of corpus/transcripts/linux-6.12-demos.jsonl.gz: a run of the code of Linux 6.12 itself (corpus/transcripts/README.md)',
  },
  {
    term: 'tdx_enable(), Linux 6.12; tdh_sys_config.c, TDX module 1.5.01',
    meaning: 'a function of that kernel release; a source file of that release of the TDX module',
  },
];
