// Everything works without script. It adds: counters that change in place, new rows that wait,
// keys, times in the reader's zone, copying. Each part is a file of its own under js/.
import "./js/copy.js";
import "./js/menus.js";
import "./js/times.js";
import "./js/rows.js";
import "./js/folds.js";
import "./js/live.js";
import "./js/tail.js";
import "./js/keys.js";
import "./js/picks.js";
import "./js/acts.js";
