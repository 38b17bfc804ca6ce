BEGIN { trace( }
#line 40 "a.d"
BEGIN { trace( }

BEGIN { trace( }
# 7 "b.d" 2
BEGIN { trace( }
#line 1
BEGIN { trace( }
