using System.CommandLine;
using HeteroQwen.Models;

namespace HeteroQwen.Cli;

/// <summary><c>detokenize</c>: the text of ids.</summary>
internal static class DetokenizeCommand
{
    public static (Command Command, string[] Examples) Create(Tool tool)
    {
        Option<string> model = Arguments.Model();
        Option<bool> json = Arguments.Json();
        Argument<string> list = new("IDS") { Description = "Token ids, as 1,2,3" };
        Command command = new("detokenize", "Show the text of token ids.") { list, model, json };
        command.SetAction(parsed =>
        {
            int[] ids = Arguments.Ids(parsed.GetValue(list)!, "IDS");
            string text = ModelSource.OpenText(parsed.GetValue(model)!).RequireTokenizer().Decode(ids);
            if (parsed.GetValue(json))
            {
                tool.Terminal.WriteJson(writer =>
                {
                    writer.WriteStartObject();
                    writer.WriteNumbers("ids", ids);
                    writer.WriteString("text", text);
                    writer.WriteEndObject();
                });
            }
            else
            {
                tool.Terminal.Out.WriteLine(VisibleText.Lines(text));
            }

            return ExitCodes.Ok;
        });
        return (command, ["heteroqwen detokenize 343,282,220,19,22", "heteroqwen detokenize -m tiny-moe --json 1511,269,198"]);
    }
}
