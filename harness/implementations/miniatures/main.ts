import { RELEASES } from '../../../model/module/release.ts';
import { createLineSplitter } from '../process/line-splitter.ts';
import { LINE_MAX } from '../process/line-splitter.ts';
import { modelImplementation } from '../module/model.ts';
import { serve } from '../module/server.ts';
import { BAD_MANNERS } from './bad-manners.ts';
import { WRONG_ANSWERS } from './wrong-answers.ts';

// `node main.js NAME`: a miniature behind the protocol.

const name = process.argv[2] ?? '';
const miniature = WRONG_ANSWERS[name] ?? BAD_MANNERS[name];
if (miniature === undefined) throw new Error(`no miniature '${name}'`);
const { module = (model) => model, writer = (write) => write, onLine, onStart } = miniature;
onStart?.();
const splitter = createLineSplitter(LINE_MAX, (line) => onLine?.(line));

async function* heard(): AsyncGenerator<Buffer> {
  for await (const chunk of process.stdin) {
    if (onLine !== undefined) splitter.push(chunk as Buffer);
    yield chunk as Buffer;
  }
}

await serve(module({ ...modelImplementation(RELEASES['1.5.01'], '1'), identity: { name, version: '1' } }), {
  chunks: heard(),
  write: writer((line) => void process.stdout.write(`${line}\n`)),
});
process.stdin.destroy();
