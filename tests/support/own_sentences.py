"""Sentences written by hand, which neither training nor any choice of its settings has seen: text → answer, by whom.

Words in them that the model does not know are made up or English; a word that decides and stands twice is the first.
"""

from __future__ import annotations

from typing import NamedTuple


class Own(NamedTuple):
    """A text, the word that should come next, and the word that decides it (in the text, the first of its kind)."""

    tokens: tuple[str, ...]
    answer: str
    true: int


def _read(lines: str) -> tuple[Own, ...]:
    read = []
    for line in lines.strip().splitlines():
        text, _, rest = line.partition("→")
        answer, true = rest.split()
        tokens = tuple(text.split())
        read.append(Own(tokens, answer, tokens.index(true)))
    return tuple(read)


SYNTAX = _read(
    """
    the dogs near the tree → are dogs
    the dog near the trees → is dog
    the wugs near the blick → are wugs
    the wug near the blicks → is wug
    the keys beside the old box → are keys
    the key beside the old boxes → is key
    the queen with the quiet daughters → is queen
    the queens with the quiet daughter → are queens
    the small fires behind the green hill → are fires
    the small fire behind the green hills → is fire
    the dax under the heavy red stones → is dax
    the daxes under the heavy red stone → are daxes
    the women around the king → are women
    the woman around the kings → is woman
    the men inside the tower near the rivers → are men
    the man inside the towers near the rivers → is man
    the toma with the hats behind the walls → is toma
    the tomas with the hat behind the wall → are tomas
    the bright lamp above the tables → is lamp
    the bright lamps above the table → are lamps
    the zorps beside the queen → are zorps
    the zorp beside the queens → is zorp
    the story with the two witches → is story
    the stories with the witch → are stories
    the horses behind the ship under the star → are horses
    the horse behind the ships under the stars → is horse
    the feps inside the cold dark house → are feps
    the fep inside the cold dark houses → is fep
    the city around the gardens → is city
    the cities around the garden → are cities
    the teacher near the pupils → is teacher
    the teachers near the pupil → are teachers
    the elephant beside the small cars → is elephant
    the elephants beside the small car → are elephants
    the snarks with the loud bell → are snarks
    the snark with the loud bells → is snark
    the happy old baker behind the baskets → is baker
    the happy old bakers behind the basket → are bakers
    the glorp near the actors around the books → is glorp
    the glorps near the actor around the book → are glorps
    the letters under the window → are letters
    the letter under the windows → is letter
    the big soft chair with the new cups → is chair
    the big soft chairs with the new cup → are chairs
    the bridge above the fields inside the city → is bridge
    the bridges above the field inside the cities → are bridges
    the monk beside the clean clocks → is monk
    the monks beside the clean clock → are monks
    the quibble behind the frumps → is quibble
    the quibbles behind the frump → are quibbles
    the computers near the engine → are computers
    the computer near the engines → is computer
    """
)

MEANING = _read(
    """
    the queen met the actor . she → rules queen
    the queen met the actor . he → acts actor
    the actor met the queen . she → rules queen
    the actor met the queen . he → acts actor
    the bell woke the king . it → rings bell
    the king heard the bell . it → rings bell
    the king heard the bell . he → commands king
    the girl saw the old clock . it → ticks clock
    the girl saw the old clock . she → plays girl
    the dogs followed the boy . they → bark dogs
    the dogs followed the boy . he → climbs boy
    the mother called the birds near the tree . they → chirp birds
    the mother called the birds near the tree . she → cares mother
    the father liked the horse behind the gardens . it → gallops horse
    the father liked the horse behind the garden . he → cooks father
    the woman knew the brother . she → writes woman
    the woman knew the brother . he → jokes brother
    the old monk found the quiet cat . it → purrs cat
    the old monk found the quiet cat . he → prays monk
    the nurses met the uncle inside the house . they → heal nurses
    the nurses met the uncle inside the house . he → fishes uncle
    the wugs saw the queen . she → rules queen
    the blick saw the father . he → cooks father
    the sister met the toma under the lamp . she → sings sister
    the zorps liked the big dog . it → barks dog
    the witch followed the small star above the hills . it → shines star
    the witch followed the small star above the hills . she → flies witch
    the men found the ship . they → build men
    the men found the ship . it → sails ship
    the aunt heard the fires . they → burn fires
    the aunt heard the fires . she → knits aunt
    the flower liked the women . they → write women
    the flower liked the women . it → blooms flower
    the baker saw the daughter with the red hat . she → dances daughter
    the baker saw the daughter with the red hat . he → bakes baker
    the engine followed the girls around the big old tree . they → play girls
    the engine followed the girls around the big old trees . it → roars engine
    the kings met the mother beside the warm red fire . they → command kings
    the kings met the mother beside the warm red fire . she → cares mother
    the river knew the man . it → flows river
    the river knew the man . he → builds man
    the boys called the loud bird behind the walls inside the cities . it → chirps bird
    the boys called the loud bird behind the wall inside the city . they → climb boys
    the dax met the happy actors . they → act actors
    the fep heard the boy beside the new bridges . he → climbs boy
    the brother found the snarks . he → jokes brother
    the queen liked the glorp near the stones . she → rules queen
    the cats saw the flower . they → purr cats
    the cats saw the flower . it → blooms flower
    the star liked the sisters under the bridge . they → sing sisters
    the clean ships followed the soft nurse . she → heals nurse
    the uncle knew the rivers with the dark stone . they → flow rivers
    """
)

COPYING = _read(
    """
    list : old cup river ; old cup → river river
    list : old cup river ; old → cup cup
    list : king tree bell ; king → tree tree
    list : king tree bell ; king tree → bell bell
    list : wug cup blick hat ; wug → cup cup
    list : wug cup blick hat ; blick → hat hat
    list : stone stars green lamp ; stone stars → green green
    list : stone stars green lamp ; stars green → lamp lamp
    list : dog queen box word ; queen → box box
    list : dog queen box word ; dog queen box → word word
    list : apples dax red wall ; dax → red red
    list : apples dax red wall ; apples dax red → wall wall
    list : cold warm soft heavy ; warm → soft soft
    list : cold warm soft heavy ; soft → heavy heavy
    list : men women boys girls ; men → women women
    list : men women boys girls ; women boys → girls girls
    list : zorp star fep moon cup ; zorp → star star
    list : zorp star fep hill cup ; fep → hill hill
    list : ship horse fire flower clock ; ship horse → fire fire
    list : ship horse fire flower clock ; horse fire flower → clock clock
    list : uncle aunt sister ; uncle → aunt aunt
    list : uncle aunt sister ; aunt → sister sister
    list : road field bridge tower city ; bridge → tower tower
    list : road field bridge tower city ; road field bridge tower → city city
    list : step day face journey ; step → day day
    list : step day face journey ; day face → journey journey
    list : toma books happy ; toma → books books
    list : toma books happy ; books → happy happy
    list : banana key guitar lamp ; banana → key key
    list : banana key guitar lamp ; guitar → lamp lamp
    list : cat cats dog dogs ; cat → cats cats
    list : cat cats dog dogs ; cats dog → dogs dogs
    list : snark engine glorp baker new ; glorp → baker baker
    list : table chair window wall garden house ; table → chair chair
    list : table chair window wall garden house ; wall → garden garden
    list : table chair window wall garden house ; window wall garden → house house
    list : monk nurse witch actor baker ; monk nurse → witch witch
    list : monk nurse witch actor baker ; witch → actor actor
    list : quiet loud bright dark ; quiet loud → bright bright
    list : quiet loud bright dark ; loud bright → dark dark
    list : hat hats basket baskets ; hat → hats hats
    list : hat hats basket baskets ; hats basket → baskets baskets
    list : river computer star ; river computer → star star
    list : flower frump bird quib cat ; frump → bird bird
    list : flower frump bird quib cat ; quib → cat cat
    list : mother father brother ; mother → father father
    list : mother father brother ; father → brother brother
    list : stories cities keys stones walls ; cities → keys keys
    list : stories cities keys stones walls ; keys stones → walls walls
    list : big small old new clean ; big → small small
    list : big small old new clean ; old → new new
    list : blicks tower wugs apple ; blicks tower wugs → apple apple
    """
)

POSITION = _read(
    """
    word by → word word
    step after → step step
    more and → more more
    face to → face face
    we go step by → step step
    we read word after → word word
    day by → day day
    stone after → stone stone
    queen and → queen queen
    we walk hill after → hill hill
    house to → house house
    bells and → bells bells
    old and → old old
    wall to → wall wall
    one by → one one
    she and → she she
    they by → they they
    the and → the the
    is to → is is
    are after → are are
    near and → near near
    met after → met met
    journey by → journey journey
    your and → your your
    starts to → starts starts
    rules and → rules rules
    act after → act act
    we learn story by → story story
    we count star after → star star
    king to → king king
    women and → women women
    cup by → cup cup
    happy and → happy happy
    list after → list list
    we by → we we
    the dogs are old . day after → day day
    the queen met the actor . she rules . step by → step step
    list : old cup ; old cup . more and → more more
    knits and → knits knits
    boxes to → boxes boxes
    with by → with with
    flies after → flies flies
    green by → green green
    key to → key key
    we walk river to → river river
    it and → it it
    he after → he he
    lamp by → lamp lamp
    apple and → apple apple
    engines to → engines engines
    """
)

LOOKED_AT = _read(
    """
    wug by → wug wug
    blicks and → blicks blicks
    dax after → dax dax
    toma to → toma toma
    we go zorp by → zorp zorp
    banana after → banana banana
    computers and → computers computers
    glorp to → glorp glorp
    """
)
"""Of position, with words that the model cannot say: it can only look at them."""

OWN = {"position": POSITION, "syntax": SYNTAX, "meaning": MEANING, "copying": COPYING}
