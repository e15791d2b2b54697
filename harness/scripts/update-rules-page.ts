import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { renderRulesPage } from '../catalogue/rules-page.ts';
import { loadKnown } from '../store/known.ts';

// Writes docs/rules.md: `npm run rules`.

const ROOT = fileURLToPath(new URL('../../../', import.meta.url));
const known = loadKnown(`${ROOT}corpus`);
writeFileSync(`${ROOT}docs/rules.md`, renderRulesPage({ known, nameOf: (path) => path, answers: [] }));
