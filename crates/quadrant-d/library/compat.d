/* Names of other systems, where a Linux system has just one of what they tell apart. */

inline string zonename = "global";
inline int zoneid = 0;
inline int projid = 0;
inline int taskid = 0;
inline int poolid = 0;
inline int jid = 0;
