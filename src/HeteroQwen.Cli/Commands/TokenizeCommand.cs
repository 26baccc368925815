using System.CommandLine;
using System.Text.Json;
using HeteroQwen.Ir;
using HeteroQwen.Models;

namespace HeteroQwen.Cli;

/// <summary><c>tokenize</c>: the ids of texts, control tokens recognised, as Hugging Face gives them.</summary>
internal static class TokenizeCommand
{
    public static (Command Command, string[] Examples) Create(Tool tool)
    {
        Option<string> model = Arguments.Model();
        Option<bool> json = Arguments.Json();
        Argument<string[]> texts = new("TEXT")
        {
            Description = "One text or several; standard input is one text where none is given",
            Arity = ArgumentArity.ZeroOrMore,
        };
        Command command = new("tokenize", "Show the token ids of texts.") { texts, model, json };
        command.SetAction(parsed =>
        {
            string[] given = parsed.GetValue(texts) ?? [];
            Run(tool.Terminal, parsed.GetValue(model)!, given, parsed.GetValue(json));
            return ExitCodes.Ok;
        });
        return (command,
        [
            "heteroqwen tokenize \"What is the capital of France?\"",
            "heteroqwen tokenize -m tiny-moe --json \"你好\" \"hello\"",
        ]);
    }

    private static void Run(Terminal terminal, string model, string[] texts, bool json)
    {
        texts = texts.Length > 0 ? texts
            : Terminal.ReadPiped() is { } piped ? [piped]
            : throw new UserErrorException("tokenize: there is no text; give one or more, or pipe one in");
        QwenTokenizer tokenizer = ModelSource.OpenText(model).RequireTokenizer();
        List<(string Text, int[] Ids)> encoded = [.. texts.Select(t => (t, tokenizer.Encode(t, allowSpecial: true)))];
        if (json)
        {
            WriteJson(terminal, tokenizer, encoded);
            return;
        }

        foreach ((string _, int[] ids) in encoded)
        {
            TextTable table = new("id>", "piece");
            foreach (int id in ids)
            {
                table.Add($"{id}", VisibleText.Piece(tokenizer.PieceOf(id)));
            }

            table.Write(terminal);
            terminal.Out.WriteLine($"{ids.Length} tokens: {string.Join(',', ids)}");
        }
    }

    private static void WriteJson(Terminal terminal, QwenTokenizer tokenizer, List<(string Text, int[] Ids)> encoded) =>
        terminal.WriteJson(json => Write(json, tokenizer, encoded));

    private static void Write(Utf8JsonWriter json, QwenTokenizer tokenizer, List<(string Text, int[] Ids)> encoded)
    {
        json.WriteStartArray();
        foreach ((string text, int[] ids) in encoded)
        {
            json.WriteStartObject();
            json.WriteString("text", text);
            json.WriteNumbers("ids", ids);
            json.WriteStrings("pieces", ids.Select(tokenizer.PieceOf));
            json.WriteEndObject();
        }

        json.WriteEndArray();
    }
}
