/** What a reader of the matrix meets in its sources: the words, and what they stand for. Plain text. */
export const SOURCES_LEGEND: readonly { readonly term: string; readonly meaning: string }[] = [
  {
    term: 'the page, the sources',
    meaning:
      'the list of flaws that the discussion of this flow is known by; the numbers below 64 and the revisions it says have a flaw are its own',
  },
  {
    term: 'v7 10/20',
    meaning:
      'patch 10 of 20 of version 7 of the TDX host kernel series on the kernel mailing lists (lore.kernel.org); with "review", an answer to it',
  },
  {
    term: 'L36974333584',
    meaning: 'a mail or thread of those lists by its number in the archive it was read in',
  },
  {
    term: 'recording 6.12-demos, line 33',
    meaning:
      'line 33, counted from 1, of corpus/transcripts/linux-6.12-demos.jsonl.gz: what the code of Linux 6.12 itself did (corpus/transcripts/README.md)',
  },
  {
    term: 'tdx_enable(), Linux 6.12; tdh_sys_config.c, TDX module 1.5.01',
    meaning: 'a function of that kernel release; a source file of that release of the TDX module',
  },
];
