# Made by go generate ./cmd/gateway from the commands. Do not edit.
_risposta() {
  local current=${COMP_WORDS[COMP_CWORD]} word path="" words=""
  for word in "${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    case "$path $word" in
      " run" | " tap" | " proxy" | " setup" | " check" | " replay" | " explain" | " records" | " report" | " report write" | " report publish" | " compare" | " quality" | " quality audit" | " verify" | " reconcile" | " dispute" | " dispute open" | " dispute close" | " dispute list" | " dispute pack" | " key" | " key rotate" | " backup" | " restore" | " ledger" | " ledger copy" | " delivery" | " delivery list" | " delivery retry" | " delivery skip" | " delivery verify" | " payers" | " top" | " logs" | " logs explain" | " exempt" | " exempt init" | " exempt add" | " exempt import" | " exempt revoke" | " exempt list" | " exempt log" | " exempt expire" | " exempt keys" | " version") path+=" $word" ;;
    esac
  done
  case "$path" in
    "") words="--help backup check compare delivery dispute exempt explain key ledger logs payers proxy quality reconcile records replay report restore run setup tap top verify version" ;;
    " run") words="--config --help" ;;
    " tap") words="--config --help" ;;
    " proxy") words="--config --help" ;;
    " setup") words="--callers --config --context --country --currency --did --help --law --operators --pbx --price --service --state" ;;
    " check") words="--config --help --offline" ;;
    " replay") words="--callers --config --help --operators" ;;
    " explain") words="--config --evidence --help --json --ledger" ;;
    " records") words="--config --format --help --ledger --outcome --service --since --until" ;;
    " report") words="--help publish write" ;;
    " report write") words="--config --format --help --language --ledger --period --service --zone" ;;
    " report publish") words="--company --config --help --key --ledger --period --service --zone" ;;
    " compare") words="--format --help --keys --language" ;;
    " quality") words="--help audit" ;;
    " quality audit") words="--cel --config --help --ledger --period --period-zone --queue --queue-log --zone" ;;
    " verify") words="--config --head --help --json --key --ledger --pack --proof --since" ;;
    " reconcile") words="--apply --cdr --cel --config --help --node --queue-log --since --until --zone" ;;
    " dispute") words="--help close list open pack" ;;
    " dispute open") words="--config --help --ledger --note" ;;
    " dispute close") words="--config --help --ledger" ;;
    " dispute list") words="--config --help --ledger" ;;
    " dispute pack") words="--config --help --into --key --ledger" ;;
    " key") words="--help rotate" ;;
    " key rotate") words="--config --help" ;;
    " backup") words="--config --help --into" ;;
    " restore") words="--config --from --help" ;;
    " ledger") words="--help copy" ;;
    " ledger copy") words="--from --help --key --to" ;;
    " delivery") words="--help list retry skip verify" ;;
    " delivery list") words="--config --help" ;;
    " delivery retry") words="--config --help" ;;
    " delivery skip") words="--config --help" ;;
    " delivery verify") words="--config --held --help" ;;
    " payers") words="--config --help --numbers" ;;
    " top") words="--config --help --plain" ;;
    " logs") words="--help explain" ;;
    " logs explain") words="--help" ;;
    " exempt") words="--help add expire import init keys list log revoke" ;;
    " exempt init") words="--config --help" ;;
    " exempt add") words="--category --code --config --from --help --number-on-command-line --ref --until" ;;
    " exempt import") words="--config --dry-run --help --on --replace" ;;
    " exempt revoke") words="--config --help --on" ;;
    " exempt list") words="--all --category --config --help" ;;
    " exempt log") words="--config --help" ;;
    " exempt expire") words="--before --config --help" ;;
    " exempt keys") words="--config --help" ;;
    " version") words="--help" ;;
  esac
  mapfile -t COMPREPLY < <(compgen -W "$words" -- "$current")
  [ ${#COMPREPLY[@]} -gt 0 ] || mapfile -t COMPREPLY < <(compgen -f -- "$current")
}
complete -o filenames -F _risposta risposta
