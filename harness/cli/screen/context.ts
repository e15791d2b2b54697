import type { Palette } from '../../report/console.ts';
import type { Stages } from '../../campaign/stages.ts';
import type { Terminal } from './terminal.ts';

/** What every verb is given. */
export interface Context {
  readonly stages: Stages;
  /** URL of the module the stages come from: worker threads import it. */
  readonly pipeline: string;
  readonly terminal: Terminal;
  readonly palette: () => Palette;
  readonly version: string;
  /** Folder of the checkout: where `corpus/` lies. */
  readonly root: string;
}
