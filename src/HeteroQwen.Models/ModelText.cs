using HeteroQwen.Ir;

namespace HeteroQwen.Models;

/// <summary>A model's tokenizer and its chat template, each read when first asked for.</summary>
/// <param name="source">The model, for messages.</param>
/// <param name="tokenizer">Reads the tokenizer; null where the model has none.</param>
/// <param name="template">Reads the template.</param>
public sealed class ModelText(string source, Func<QwenTokenizer?> tokenizer, Func<ChatTemplate> template)
{
    private readonly Lazy<QwenTokenizer?> _tokenizer = new(tokenizer);
    private readonly Lazy<ChatTemplate> _template = new(template);
    private Task? _early;

    /// <summary>The tokenizer; null where the model has none.</summary>
    /// <exception cref="UserErrorException">The model's tokenizer is damaged or of another kind.</exception>
    public QwenTokenizer? Tokenizer => _tokenizer.Value;

    /// <summary>The template; where there is none, or an unknown one, its <see cref="ChatTemplate.Warning"/> says so.</summary>
    /// <exception cref="UserErrorException">The file that holds it is damaged.</exception>
    public ChatTemplate Template => _template.Value;

    /// <summary>The tokenizer, for who cannot do without.</summary>
    /// <exception cref="UserErrorException">The model has none, or it is damaged or of another kind.</exception>
    public QwenTokenizer RequireTokenizer() => Tokenizer
        ?? throw new UserErrorException($"{source}: the model has no tokenizer; give token ids (--tokens), or add its tokenizer.json");

    /// <summary>
    /// Begins to read the tokenizer on another thread, which takes a good part of a second that a start can fill with other work. What
    /// fails fails when it is asked for.
    /// </summary>
    public void BeginTokenizer() => _early ??= Task.Factory.StartNew(
        () => _tokenizer.Value, CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);

    /// <summary>Waits until no other thread reads, so that what is read from can be closed.</summary>
    internal void EndReading()
    {
        if (_early is not null)
        {
            // Which does not throw what the reading threw.
            Task.WaitAny(_early);
        }
    }

    /// <summary>The files of a Hugging Face folder, which need not hold a model beside them.</summary>
    public static ModelText OfFolder(string folder)
    {
        string json = Path.Combine(folder, "tokenizer.json");
        return new ModelText(folder, () => File.Exists(json) ? QwenTokenizer.Load(json) : null, () => ChatTemplate.Load(folder));
    }

    /// <summary>Reads both now, so that what they are read from can be closed. What fails fails when it is asked for.</summary>
    internal ModelText ReadNow()
    {
        foreach (Func<object?> read in (Func<object?>[])[() => Tokenizer, () => Template])
        {
            try
            {
                read();
            }
            catch (UserErrorException)
            {
                // Kept, and thrown again to who asks: ids alone need neither.
            }
        }

        return this;
    }
}
