//! A thousand handlers, of a topic each, and the buses that have 1, 5, 20, 100 and all of them.

use super::Gate;
use bus_runtime::prelude::*;

macro_rules! handlers {
    ($($name:ident)*) => {$(
        #[event_handler(topic = concat!("footprint.", stringify!($name)), key = Record)]
        async fn $name(_: Raw, State(gate): State<Gate>) {
            gate.opened().await;
        }
    )*};
}

macro_rules! buses {
    ([$($one:ident)*] [$($to_five:ident)*] [$($to_twenty:ident)*] [$($to_hundred:ident)*] [$($to_thousand:ident)*]) => {
        handlers!($($one)* $($to_five)* $($to_twenty)* $($to_hundred)* $($to_thousand)*);

        #[event_bus(group = "footprint", state = Gate, handlers = [$($one),*])]
        pub(super) struct One;

        #[event_bus(group = "footprint", state = Gate, handlers = [$($one,)* $($to_five),*])]
        pub(super) struct Five;

        #[event_bus(
            group = "footprint",
            state = Gate,
            handlers = [$($one,)* $($to_five,)* $($to_twenty),*]
        )]
        pub(super) struct Twenty;

        #[cfg(feature = "kafka")]
        #[event_bus(
            group = "footprint",
            state = Gate,
            handlers = [$($one,)* $($to_five,)* $($to_twenty,)* $($to_hundred),*]
        )]
        pub(super) struct Hundred;

        #[event_bus(
            group = "footprint",
            state = Gate,
            handlers = [$($one,)* $($to_five,)* $($to_twenty,)* $($to_hundred,)* $($to_thousand),*]
        )]
        pub(super) struct Thousand;
    };
}

buses! {
    [h000]
    [h001 h002 h003 h004]
    [h005 h006 h007 h008 h009 h010 h011 h012 h013 h014 h015 h016 h017 h018 h019]
    [
        h020 h021 h022 h023 h024 h025 h026 h027 h028 h029 h030 h031 h032 h033 h034 h035 h036 h037
        h038 h039 h040 h041 h042 h043 h044 h045 h046 h047 h048 h049 h050 h051 h052 h053 h054 h055
        h056 h057 h058 h059 h060 h061 h062 h063 h064 h065 h066 h067 h068 h069 h070 h071 h072 h073
        h074 h075 h076 h077 h078 h079 h080 h081 h082 h083 h084 h085 h086 h087 h088 h089 h090 h091
        h092 h093 h094 h095 h096 h097 h098 h099
    ]
    [
        h100 h101 h102 h103 h104 h105 h106 h107 h108 h109 h110 h111 h112 h113 h114 h115 h116 h117
        h118 h119 h120 h121 h122 h123 h124 h125 h126 h127 h128 h129 h130 h131 h132 h133 h134 h135
        h136 h137 h138 h139 h140 h141 h142 h143 h144 h145 h146 h147 h148 h149 h150 h151 h152 h153
        h154 h155 h156 h157 h158 h159 h160 h161 h162 h163 h164 h165 h166 h167 h168 h169 h170 h171
        h172 h173 h174 h175 h176 h177 h178 h179 h180 h181 h182 h183 h184 h185 h186 h187 h188 h189
        h190 h191 h192 h193 h194 h195 h196 h197 h198 h199 h200 h201 h202 h203 h204 h205 h206 h207
        h208 h209 h210 h211 h212 h213 h214 h215 h216 h217 h218 h219 h220 h221 h222 h223 h224 h225
        h226 h227 h228 h229 h230 h231 h232 h233 h234 h235 h236 h237 h238 h239 h240 h241 h242 h243
        h244 h245 h246 h247 h248 h249 h250 h251 h252 h253 h254 h255 h256 h257 h258 h259 h260 h261
        h262 h263 h264 h265 h266 h267 h268 h269 h270 h271 h272 h273 h274 h275 h276 h277 h278 h279
        h280 h281 h282 h283 h284 h285 h286 h287 h288 h289 h290 h291 h292 h293 h294 h295 h296 h297
        h298 h299 h300 h301 h302 h303 h304 h305 h306 h307 h308 h309 h310 h311 h312 h313 h314 h315
        h316 h317 h318 h319 h320 h321 h322 h323 h324 h325 h326 h327 h328 h329 h330 h331 h332 h333
        h334 h335 h336 h337 h338 h339 h340 h341 h342 h343 h344 h345 h346 h347 h348 h349 h350 h351
        h352 h353 h354 h355 h356 h357 h358 h359 h360 h361 h362 h363 h364 h365 h366 h367 h368 h369
        h370 h371 h372 h373 h374 h375 h376 h377 h378 h379 h380 h381 h382 h383 h384 h385 h386 h387
        h388 h389 h390 h391 h392 h393 h394 h395 h396 h397 h398 h399 h400 h401 h402 h403 h404 h405
        h406 h407 h408 h409 h410 h411 h412 h413 h414 h415 h416 h417 h418 h419 h420 h421 h422 h423
        h424 h425 h426 h427 h428 h429 h430 h431 h432 h433 h434 h435 h436 h437 h438 h439 h440 h441
        h442 h443 h444 h445 h446 h447 h448 h449 h450 h451 h452 h453 h454 h455 h456 h457 h458 h459
        h460 h461 h462 h463 h464 h465 h466 h467 h468 h469 h470 h471 h472 h473 h474 h475 h476 h477
        h478 h479 h480 h481 h482 h483 h484 h485 h486 h487 h488 h489 h490 h491 h492 h493 h494 h495
        h496 h497 h498 h499 h500 h501 h502 h503 h504 h505 h506 h507 h508 h509 h510 h511 h512 h513
        h514 h515 h516 h517 h518 h519 h520 h521 h522 h523 h524 h525 h526 h527 h528 h529 h530 h531
        h532 h533 h534 h535 h536 h537 h538 h539 h540 h541 h542 h543 h544 h545 h546 h547 h548 h549
        h550 h551 h552 h553 h554 h555 h556 h557 h558 h559 h560 h561 h562 h563 h564 h565 h566 h567
        h568 h569 h570 h571 h572 h573 h574 h575 h576 h577 h578 h579 h580 h581 h582 h583 h584 h585
        h586 h587 h588 h589 h590 h591 h592 h593 h594 h595 h596 h597 h598 h599 h600 h601 h602 h603
        h604 h605 h606 h607 h608 h609 h610 h611 h612 h613 h614 h615 h616 h617 h618 h619 h620 h621
        h622 h623 h624 h625 h626 h627 h628 h629 h630 h631 h632 h633 h634 h635 h636 h637 h638 h639
        h640 h641 h642 h643 h644 h645 h646 h647 h648 h649 h650 h651 h652 h653 h654 h655 h656 h657
        h658 h659 h660 h661 h662 h663 h664 h665 h666 h667 h668 h669 h670 h671 h672 h673 h674 h675
        h676 h677 h678 h679 h680 h681 h682 h683 h684 h685 h686 h687 h688 h689 h690 h691 h692 h693
        h694 h695 h696 h697 h698 h699 h700 h701 h702 h703 h704 h705 h706 h707 h708 h709 h710 h711
        h712 h713 h714 h715 h716 h717 h718 h719 h720 h721 h722 h723 h724 h725 h726 h727 h728 h729
        h730 h731 h732 h733 h734 h735 h736 h737 h738 h739 h740 h741 h742 h743 h744 h745 h746 h747
        h748 h749 h750 h751 h752 h753 h754 h755 h756 h757 h758 h759 h760 h761 h762 h763 h764 h765
        h766 h767 h768 h769 h770 h771 h772 h773 h774 h775 h776 h777 h778 h779 h780 h781 h782 h783
        h784 h785 h786 h787 h788 h789 h790 h791 h792 h793 h794 h795 h796 h797 h798 h799 h800 h801
        h802 h803 h804 h805 h806 h807 h808 h809 h810 h811 h812 h813 h814 h815 h816 h817 h818 h819
        h820 h821 h822 h823 h824 h825 h826 h827 h828 h829 h830 h831 h832 h833 h834 h835 h836 h837
        h838 h839 h840 h841 h842 h843 h844 h845 h846 h847 h848 h849 h850 h851 h852 h853 h854 h855
        h856 h857 h858 h859 h860 h861 h862 h863 h864 h865 h866 h867 h868 h869 h870 h871 h872 h873
        h874 h875 h876 h877 h878 h879 h880 h881 h882 h883 h884 h885 h886 h887 h888 h889 h890 h891
        h892 h893 h894 h895 h896 h897 h898 h899 h900 h901 h902 h903 h904 h905 h906 h907 h908 h909
        h910 h911 h912 h913 h914 h915 h916 h917 h918 h919 h920 h921 h922 h923 h924 h925 h926 h927
        h928 h929 h930 h931 h932 h933 h934 h935 h936 h937 h938 h939 h940 h941 h942 h943 h944 h945
        h946 h947 h948 h949 h950 h951 h952 h953 h954 h955 h956 h957 h958 h959 h960 h961 h962 h963
        h964 h965 h966 h967 h968 h969 h970 h971 h972 h973 h974 h975 h976 h977 h978 h979 h980 h981
        h982 h983 h984 h985 h986 h987 h988 h989 h990 h991 h992 h993 h994 h995 h996 h997 h998 h999
    ]
}
