package OAuth::Idp;

use strict;
use warnings;

1;
