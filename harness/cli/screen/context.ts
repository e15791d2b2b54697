import type { Palette } from '../../report/console.ts';
import type { Stages } from '../../campaign/stages.ts';
import type { Terminal } from './terminal.ts';

/** What every verb gets. */
export interface Context {
  readonly stages: Stages;
  /** URL of the module that exports the stages: worker threads import it. */
  readonly pipeline: string;
  readonly terminal: Terminal;
  readonly palette: () => Palette;
  readonly version: string;
  /** Folder of the checkout, which has `corpus/`. */
  readonly root: string;
}
