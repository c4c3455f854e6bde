# Draws what `launch_bench --plot DIR` has written:   gnuplot -c bench/plot.gp DIR
folder = ARG1
file(name) = folder . '/' . name

# A white ground also where the page is dark.
set terminal svg size 720,440 font 'sans-serif,13' background rgb 'white'
set border 3 linecolor rgb '#444444'
set tics nomirror textcolor rgb '#444444'
set grid linecolor rgb '#dddddd' linetype 1
set key textcolor rgb '#222222' noenhanced
set style fill solid
array color[5] = ['#1b6ca8', '#d1495b', '#2a9d5c', '#e9a23b', '#7b4fa3']

set output file('latency.svg')
set title 'How long a launch takes, and a fork'
set xlabel 'microseconds'
set ylabel 'part of the samples that took no longer'
set logscale x
set yrange [0:1]
set key bottom right
set datafile columnheaders
stats file('latency.dat') using 1:2 nooutput
plot for [i = 0:STATS_blocks - 1] file('latency.dat') index i using 1:2 with lines \
    linewidth 2 linecolor rgb color[i % 5 + 1] title columnheader(1)

unset datafile
set output file('growth.svg')
set title 'Fork and launch against the memory of what is forked'
set xlabel 'heap of the process, of the template (MiB)'
set ylabel 'microseconds to the first sign of life'
set logscale xy 10
set yrange [10:*]
set xrange [12:5500]
set xtics (16, 64, 256, 1024, 4096)
set key top left
plot file('growth.dat') using 1:2:4 with filledcurves notitle fillcolor rgb '#c01b6ca8', \
     '' using 1:5:7 with filledcurves notitle fillcolor rgb '#c0d1495b', \
     '' using 1:3 with linespoints linewidth 2 pointtype 7 pointsize 0.6 \
         linecolor rgb color[1] title 'fork of that process', \
     '' using 1:6 with linespoints linewidth 2 pointtype 7 pointsize 0.6 \
         linecolor rgb color[2] title 'launch from that template'

set output file('throughput.svg')
set title 'Launches, each with its exit reaped'
set xlabel 'launches in flight'
set ylabel 'per second'
unset logscale
set logscale x 2
set xrange [0.8:80]
set yrange [0:*]
set xtics (1, 4, 16, 64)
set key bottom right
plot file('throughput.dat') using 1:2:4 with filledcurves notitle fillcolor rgb '#c0d1495b', \
     '' using 1:3 with linespoints linewidth 2 pointtype 7 pointsize 0.6 \
         linecolor rgb color[2] title 'launches', \
     '' using 1:5 with lines linewidth 2 dashtype 2 linecolor rgb color[1] \
         title 'fork, exit, wait in a loop'
