"use strict";

// The page that waits is loaded again until what it waits for is there.
setTimeout(() => location.reload(), 1000);
