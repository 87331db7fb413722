// `make test-kubernetes`: stories of a portal on a cluster. scripts/with-kubernetes.sh gives it.
import config from './playwright.config';

export default { ...config, testDir: 'kubernetes' };
