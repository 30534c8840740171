import { conformance } from '@lethe/testkit/conformance';

conformance('extdatamodule', 'lethe.extdatamodule.v1.ExtDatamoduleManager');
