using System.CommandLine;
using HeteroQwen.Models;

namespace HeteroQwen.Cli;

/// <summary><c>template</c>: what the model reads when it is given messages.</summary>
internal static class TemplateCommand
{
    public static (Command Command, string[] Examples) Create(Tool tool)
    {
        Option<string> model = Arguments.Model();
        Option<bool> json = Arguments.Json();
        Argument<string> file = new("FILE")
        {
            Description = "JSON: {\"messages\",\"tools\",\"enable_thinking\",\"add_generation_prompt\"}; - is standard input",
        };
        Command command = new("template", "Render messages by the model's chat template.") { file, model, json };
        command.SetAction(parsed =>
        {
            Run(tool.Terminal, ModelSource.OpenText(parsed.GetValue(model)!), parsed.GetValue(file)!, parsed.GetValue(json));
            return ExitCodes.Ok;
        });
        const string Piped = "echo '{\"messages\":[{\"role\":\"user\",\"content\":\"Hi!\"}]}' | heteroqwen template -";
        return (command, [Piped, $"{Piped} -m tiny-moe --json"]);
    }

    private static void Run(Terminal terminal, ModelText model, string path, bool json)
    {
        RenderedChat chat = model.Template.Render(PromptReader.LoadRequest(path));
        if (!json)
        {
            terminal.Out.WriteLine(VisibleText.Lines(chat.Text));
            return;
        }

        int[] ids = chat.Encode(model.RequireTokenizer());
        terminal.WriteJson(writer =>
        {
            writer.WriteStartObject();
            writer.WriteString("text", chat.Text);
            writer.WriteNumbers("ids", ids);
            writer.WriteEndObject();
        });
    }
}
