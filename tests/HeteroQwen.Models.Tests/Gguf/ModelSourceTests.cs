using HeteroQwen.Ir;
using HeteroQwen.TestSupport;

namespace HeteroQwen.Models.Tests;

public sealed class ModelSourceTests
{
    [Fact]
    public void Open_tells_folder_file_and_name_apart()
    {
        using IModelSource folder = ModelSource.Open(TestData.Path("hf/dense-tied-f32"));
        using IModelSource file = ModelSource.Open(LlamaCppGolden.PathOf("tiny-dense-f32"));
        using IModelSource bundled = ModelSource.Open("tiny");
        Assert.Equal(("dense-tied-f32", "tiny-dense-f32.gguf", "tiny"), (folder.Name, file.Name, bundled.Name));
        Assert.Null(folder.Text.Tokenizer);
        Assert.NotNull(file.Text.Tokenizer);
        Assert.True(bundled.Text.Template.IsKnownTemplate);
    }

    [Fact]
    public void Open_what_is_not_there_or_no_model_is_a_sentence()
    {
        using TempFolder folder = new();
        Sentence.AssertNames(Refused("none\nsuch"), "none?such", "folder", ".gguf", "tiny-moe");
        Sentence.AssertNames(Refused(folder.File("x.gguf")), "x.gguf", "no such file");
        Sentence.AssertNames(Refused(""), "no such model");
        Sentence.AssertNames(Refused(folder.Write("model.safetensors", "x")), "model.safetensors", "config.json");
        Sentence.AssertNames(Refused(folder.Path), "config.json");
    }

    [Fact]
    public void OpenText_needs_no_weights()
    {
        using TempFolder folder = new();
        File.Copy(TokenizerData.TinyTokenizerPath, folder.File("tokenizer.json"));
        ModelText text = ModelSource.OpenText(folder.Path);
        Assert.Equal(TokenizerData.Tiny.VocabularySize, text.RequireTokenizer().VocabularySize);
        Assert.False(text.Template.IsKnownTemplate);
    }

    [Fact]
    public void OpenText_of_a_file_outlives_the_file()
    {
        using TempFolder folder = new();
        File.Copy(LlamaCppGolden.PathOf("tiny-dense-f32"), folder.File("model.gguf"));
        ModelText text = ModelSource.OpenText(folder.File("model.gguf"));
        File.Delete(folder.File("model.gguf"));
        Assert.Equal(512, text.RequireTokenizer().VocabularySize);
    }

    [Fact]
    public void RequireTokenizer_without_one_names_the_model_and_the_cure()
    {
        using IModelSource model = ModelSource.Open(TestData.Path("hf/dense-tied-f32"));
        Sentence.AssertNames(Assert.Throws<UserErrorException>(() => model.Text.RequireTokenizer()), "dense-tied-f32", "--tokens");
    }

    private static UserErrorException Refused(string model) => Assert.Throws<UserErrorException>(() => ModelSource.Open(model).Dispose());
}
