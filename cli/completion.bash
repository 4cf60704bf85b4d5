
# SPDX-License-Identifier: Apache-2.0

# What stands on the line up to the cursor, word by word, into words[]. The shell has taken words apart at ':' and '='
# (COMP_WORDBREAKS): what nothing stands between is one word again.
_flowlift_words() {
    local rest=${COMP_LINE:0:COMP_POINT} before word i

    words=()
    for ((i = 0; i <= COMP_CWORD; i++)); do
        word=${COMP_WORDS[i]} before=$rest
        rest=${rest#"${rest%%[![:space:]]*}"}
        [[ $i -gt 0 && $rest == "$before" ]] || words+=('')
        [[ $rest == "$word"* ]] || word=$rest
        words[-1]+=$word
        rest=${rest#"$word"}
    done
}

# What is meant by $1, a word that may be quoted and need not be closed, into literal. The shell exchanges only what comes
# behind the last open quote, ':' or '=': open is that quote (or nothing), kept is what stands in front.
_flowlift_literal() {
    local word=$1 stem= c i

    literal= kept= open=
    for ((i = 0; i < ${#word}; i++)); do
        c=${word:i:1}
        case $open$c in
        \\* | \"\\)
            ((i += 1))
            literal+=${word:i:1}
            ;;
        \' | \")
            open=$c kept=$literal
            ;;
        \'\' | \"\")
            open= kept=$stem
            ;;
        *)
            literal+=$c
            [[ -n $open || $COMP_WORDBREAKS != *"$c"* ]] || kept=$literal stem=$literal
            ;;
        esac
    done
}

# Those lines of standard input that begin as the word does, as they have to stand on the line.
_flowlift_offer() {
    local name

    while IFS= read -r name; do
        [[ -n $name && $name == "$literal"* ]] || continue
        name=${name:${#kept}}
        case $open in
        \') name=${name//\'/\'\\\'\'} ;;
        \") name=${name//\\/\\\\} name=${name//\"/\\\"} name=${name//\$/\\\$} name=${name//\`/\\\`} ;;
        *) printf -v name %q "$name" ;;
        esac
        COMPREPLY+=("$name")
    done
}

_flowlift_files() {
    local name

    compopt -o filenames 2>/dev/null
    while IFS= read -r name; do
        COMPREPLY+=("${name:${#kept}}")
    done < <(compgen -f -- "$literal")
}

# What $1 says: a kind of names, or words.
_flowlift_complete() {
    case $1 in
    FILE) _flowlift_files ;;
    vms | remedies) _flowlift_offer < <("${words[0]}" completion "$1" "${where[@]}" 2>/dev/null) ;;
    *) _flowlift_offer < <(printf '%s\n' $1) ;;
    esac
}

_flowlift() {
    local -a words=() where=()
    local literal kept open options= names= value= verb= first= n=0 i IFS=$' \t\n'

    COMPREPLY=()
    _flowlift_words
    local word=${words[-1]} last=$((${#words[@]} - 1))
    # Verb, words behind it, and where Open vSwitch and flowlift's files are; or the value of the option before the word.
    for ((i = 1; i < last; i++)); do
        value=
        _flowlift_option "${words[i]}"
        if [[ ${words[i]} == --*=* || ( -n $value && i+1 -lt last ) ]]; then
            _flowlift_literal "${words[i]}"
            [[ $literal != --@(db|root)* ]] || where+=("$literal")
            if [[ $literal != --*=* ]]; then
                ((i += 1))
                _flowlift_literal "${words[i]}"
                [[ ${words[i - 1]} != --@(db|root) ]] || where+=("$literal")
            fi
        elif [[ -n $value ]]; then
            _flowlift_literal "$word"
            [[ $value == any ]] || _flowlift_complete "$value"
            return
        elif [[ ${words[i]} != -* ]]; then
            [[ -n $verb ]] && ((n += 1)) || verb=${words[i]}
            [[ $n -ne 1 || -n $first ]] || first=${words[i]}
        fi
    done

    _flowlift_literal "$word"
    if [[ $word == --*=* ]]; then
        _flowlift_option "${word%%=*}"
        literal=${literal#*=} kept=${kept#*=}
        [[ -z $value || $value == any ]] || _flowlift_complete "$value"
        return
    fi
    [[ -n $verb ]] || options="$_flowlift_verbs --help --version"
    _flowlift_verb "$verb"
    [[ $verb != hook || $n -ne 1 ]] || names=vms
    if [[ $verb == fleet && $n -gt 0 ]]; then
        # Of VMs those of this host: who asks the fleet's database at a TAB waits for it.
        case $first,$n in
        report,*) names=FILE ;;
        apply,1 | revert,1 | history,1) names=vms ;;
        *) names= ;;
        esac
    fi
    if [[ $word == -* || -z $verb ]]; then
        _flowlift_complete "$options"
    elif [[ $n -eq 0 || ( $verb == hook && $n -eq 1 ) || $verb == fleet ]]; then
        [[ -z $names ]] || _flowlift_complete "$names"
    fi
}
complete -F _flowlift flowlift
