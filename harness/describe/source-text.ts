import { MAILS, SERIES } from '../../model/sources.ts';

const PATCH = /\b(v\d+) \d{2}\/\d{2}\b/g;
const TWO_AUTHORS = /\b(v\d+ \d{2}\/\d{2}, )([A-Z]\w+ [A-Z]\w+) and ([A-Z]\w+ [A-Z]\w+)(?=, \d)/;

/**
 * A source as text for a reader who does not know the series: `v7 10/20` becomes `TDX host series v7 10/20`. Then a line
 * for each mail that it cites, its address; the cover letter stands for a patch that is cited without an answer to it.
 */
export function sourceLines(source: string): readonly string[] {
  const text = [source, source.replace(TWO_AUTHORS, '$1$2'), source.replace(TWO_AUTHORS, '$1$3')].join('\n');
  const mails = MAILS.filter(({ cite }) => text.includes(cite));
  const covers = [...source.matchAll(PATCH)]
    .filter(([patch]) => !mails.some(({ cite }) => cite.startsWith(patch)))
    .flatMap(([, version]) => SERIES.filter(({ name }) => name === version).map(({ cover }) => cover));
  const ids = [...mails.flatMap(({ id }) => (id === null ? [] : [id])), ...covers];
  return [
    source.replace(PATCH, 'TDX host series $&'),
    ...[...new Set(ids)].map((id) => `https://lore.kernel.org/r/${id}`),
  ];
}
