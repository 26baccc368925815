using System.Globalization;
using HeteroQwen.Generation;
using HeteroQwen.Models;

namespace HeteroQwen.Cli;

/// <summary>
/// Prints an answer while it is made: characters never in halves, thinking dimmed on a terminal, control tokens left out. Where the
/// model has no tokenizer, ids as <c>1,2,3</c>.
/// </summary>
internal sealed class AnswerPrinter
{
    private readonly Terminal _terminal;
    private readonly QwenTokenizer? _tokenizer;
    private readonly string _indent;
    private readonly int _think = -1;
    private readonly int _endThink = -1;
    private bool _any;
    private bool _atLineStart = true;
    private bool _dimmed;

    public AnswerPrinter(Terminal terminal, QwenTokenizer? tokenizer, string indent = "", IReadOnlyList<string>? stops = null)
    {
        _indent = indent;
        _terminal = terminal;
        _tokenizer = tokenizer;
        Text = tokenizer is null ? null : new AnswerText(tokenizer, stops ?? [], Print);
        if (tokenizer is not null && terminal.IsStyled)
        {
            _think = tokenizer.TryGetId("<think>", out int think) ? think : -1;
            _endThink = tokenizer.TryGetId("</think>", out int end) ? end : -1;
        }
    }

    /// <summary>What is printed, control tokens included; null where there is no tokenizer. It then takes the ids itself.</summary>
    public AnswerText? Text { get; }

    public void Print(int id)
    {
        if (Text is not null)
        {
            Text.Append(id);
            return;
        }

        Write((_any ? "," : "") + id.ToString(CultureInfo.InvariantCulture));
        _any = true;
        _terminal.Out.Flush();
    }

    /// <summary>What is left of an unfinished character, and a line end where there is none.</summary>
    public void End()
    {
        Text?.Finish();
        Dim(false);
        if (!_atLineStart)
        {
            _terminal.Out.WriteLine();
        }

        _terminal.Out.Flush();
    }

    private void Print(string text, int id)
    {
        Dim(_dimmed || id == _think);
        Write(_tokenizer!.IsSpecial(id) ? "" : text);
        Dim(_dimmed && id != _endThink);
        _terminal.Out.Flush();
    }

    private void Write(string text)
    {
        string shown = VisibleText.Lines(text);
        for (int end; shown.Length > 0; shown = shown[end..])
        {
            end = shown.IndexOf('\n', StringComparison.Ordinal) + 1;
            end = end == 0 ? shown.Length : end;
            _terminal.Out.Write((_atLineStart && shown[0] != '\n' ? _indent : "") + shown[..end]);
            _atLineStart = shown[end - 1] == '\n';
        }
    }

    private void Dim(bool dim)
    {
        if (dim != _dimmed)
        {
            _dimmed = dim;
            _terminal.Out.Write(dim ? "\u001b[2m" : "\u001b[0m");
        }
    }
}
